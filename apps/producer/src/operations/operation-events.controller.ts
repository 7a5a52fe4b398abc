import { Readable } from 'node:stream';
import { Controller, Get, Headers, HttpStatus, Param, Res, type BeforeApplicationShutdown } from '@nestjs/common';
import { ApiHeader, ApiNotFoundResponse, ApiOperation, ApiProduces, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { systemClock } from '#parallel-consumer/clock.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { isOver, operationEvents } from './operation-events.js';
import { OperationIdSchema } from './operation-id.js';
import { OperationView } from './operation-view.js';

@ApiTags('operations')
@RequiresScope('orders:read')
@Controller('v1/operations/:id/events')
export class OperationEventsController implements BeforeApplicationShutdown {
  private readonly stopping = new AbortController();

  constructor(private readonly view: OperationView) {}

  @Get()
  @ApiOperation({
    summary: 'How far an operation is, as it goes',
    description:
      'Server-sent events: `progress` with the operation whenever it has changed, at most once a second, and `done` when nothing will change any more.',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The id of the last event seen: it is not sent again.',
  })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ description: 'The stream. With 204 there is nothing more to come after the event last seen.' })
  @ApiNotFoundResponse({ description: 'Problem details: no such operation' })
  async events(
    @Param('id', { schema: OperationIdSchema }) id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    // A browser comes back when a stream ends, unless it is told by this status that there is nothing left.
    if (isOver(await this.view.followed(id), lastEventId))
      return void (await reply.status(HttpStatus.NO_CONTENT).send());
    const events = operationEvents({
      look: async () => this.view.followed(id),
      lastEventId,
      signal: this.stopping.signal,
      clock: systemClock,
    });
    await reply
      .header('Content-Type', 'text/event-stream; charset=utf-8')
      .header('Cache-Control', 'no-store')
      // nginx would gather what is meant to be seen as it comes.
      .header('X-Accel-Buffering', 'no')
      .send(Readable.from(events));
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }
}
