import { Readable } from 'node:stream';
import { Controller, Get, Headers, HttpStatus, Param, Req, Res, type BeforeApplicationShutdown } from '@nestjs/common';
import {
  ApiHeader,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { systemClock } from '@orders-pipeline/clock';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { EventStreams } from '#service/http/concurrency-limit.js';
import { isOver, operationEvents } from './operation-events.js';
import { OperationIdSchema } from './operation-id.js';
import { OperationView } from './operation-view.js';

@ApiTags('operations')
@RequiresScope('orders:read')
@Controller('v1/operations/:id/events')
export class OperationEventsController implements BeforeApplicationShutdown {
  private readonly stopping = new AbortController();

  constructor(
    private readonly view: OperationView,
    private readonly streams: EventStreams,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Stream the progress of an operation',
    description:
      'Server-sent events: `progress` with the operation whenever it has changed, at most once a second, and `done` when it is final. The stream ends when the token expires.',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The id of the last received event; it is not sent again.',
  })
  @ApiOkResponse({
    description: 'The stream',
    content: {
      'text/event-stream': {
        // Of one event.
        schema: {
          type: 'object',
          required: ['event', 'id', 'data'],
          properties: {
            event: { type: 'string', enum: ['progress', 'done'] },
            id: { type: 'string' },
            data: { type: 'string', description: 'The operation, as JSON.' },
          },
        },
      },
    },
  })
  @ApiNoContentResponse({ description: 'The last received event was the final one' })
  @ApiNotFoundResponse({ description: 'Problem details: no such operation' })
  async followOperation(
    @Param('id', { schema: OperationIdSchema }) id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    // A browser reconnects when a stream ends, unless the status is 204 (WHATWG HTML, "Server-sent events").
    if (isOver(await this.view.follow(id), lastEventId)) return void (await reply.status(HttpStatus.NO_CONTENT).send());
    this.streams.hold(request, reply);
    const events = operationEvents({
      read: async () => this.view.follow(id),
      lastEventId,
      signal: this.stopping.signal,
      clock: systemClock,
    });
    await reply
      .header('Content-Type', 'text/event-stream; charset=utf-8')
      .header('Cache-Control', 'no-store')
      // Disables response buffering in nginx, which would delay the events.
      .header('X-Accel-Buffering', 'no')
      .send(Readable.from(events));
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }
}
