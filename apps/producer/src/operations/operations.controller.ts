import { Readable } from 'node:stream';
import {
  type BeforeApplicationShutdown,
  Body,
  Controller,
  Get,
  Header,
  Headers,
  HttpCode,
  HttpStatus,
  Injectable,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiForbiddenResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { pause as sleep, systemClock } from '@orders-pipeline/clock';
import type { OperationDocument } from '#orders/operation/operation.js';
import { timeLimit } from '#orders/time-limit.js';
import { Audited } from '#service/audit/audit-requests.js';
import { RequiresScope, type ScopeChoice } from '#service/auth/scope.guard.js';
import type { Scope } from '#service/auth/scopes.js';
import { EventStreams } from '#service/http/concurrency-limit.js';
import { notFound, Problem } from '#service/http/problem.js';
import { Interruptions } from '../background/interruptions.js';
import { WakeUp } from '../background/leased-job.js';
import { settings } from '../settings.js';
import { parseIdempotencyKey } from './idempotency-keys.js';
import { isOver, operationEvents } from './operation-events.js';
import { OperationView } from './operation-progress.js';
import {
  OperationIdSchema,
  type OperationsQuery,
  OperationsQuerySchema,
  type PopulateRequest,
  PopulateRequestSchema,
  requireFaultInjection,
} from './operation-requests.js';
import {
  type OperationResponse,
  OperationResponseSchema,
  type OperationsPage,
  OperationsPageSchema,
  toPage,
} from './operation-response.js';
import { Operations } from './operations.js';

/** Chooses the scope for pausing, resuming and cancelling: the same scope that starts an operation of this kind. */
@Injectable()
export class InterruptionScope implements ScopeChoice {
  constructor(private readonly operations: Operations) {}

  /** An invalid or unknown id needs the scope `orders:write`, so that only writers get the 400 or 404. */
  async scopeFor({ params }: FastifyRequest): Promise<Scope> {
    const { data: id } = OperationIdSchema.safeParse((params as { id?: unknown }).id);
    const operation = id === undefined ? null : await this.operations.find(id);
    return operation?.kind === 'redrive' ? 'dead-letters:redrive' : 'orders:write';
  }
}

@ApiTags('operations')
@RequiresScope('orders:read')
@Controller('v1')
export class OperationsController {
  constructor(
    private readonly operations: Operations,
    private readonly view: OperationView,
  ) {}

  @Post('populate')
  @RequiresScope('orders:write')
  @Audited('populate')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Generate test orders',
    description:
      'Starts an operation that runs in the background and survives restarts. The Location header is its path.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'A unique key for this request and caller, stored for two days. Repeating the request with the same key and body returns the same operation.',
  })
  @ApiAcceptedResponse({
    standardSchema: OperationResponseSchema,
    description: 'The new operation, or the existing one of this idempotency key',
    headers: { Location: { description: 'Path of the operation', schema: { type: 'string' } } },
  })
  @ApiBadRequestResponse({ description: 'Problem details that list every invalid field; nothing was generated' })
  @ApiForbiddenResponse({
    description:
      'Problem details: `faults` are off (setting ALLOW_FAULT_INJECTION), or the token does not have the scope `orders:write`, or `faults:inject` for faults',
  })
  @ApiUnprocessableEntityResponse({ description: 'Problem details: the key was used for another request' })
  async populate(
    @Body({ schema: PopulateRequestSchema }) request: PopulateRequest,
    @Headers('idempotency-key') key: string | undefined,
    @Req() { caller }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationResponse> {
    requireFaultInjection(request, caller, settings);
    const operation = await this.operations.createPopulate(request, parseIdempotencyKey(key, caller));
    return this.view.begun(operation, reply);
  }

  @Get('operations')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'List operations, newest first' })
  @ApiOkResponse({ standardSchema: OperationsPageSchema })
  @ApiBadRequestResponse({ description: 'Problem details that list every invalid parameter' })
  async listOperations(@Query({ schema: OperationsQuerySchema }) query: OperationsQuery): Promise<OperationsPage> {
    const cursor = { name: 'before', placeOf: ({ _id }: OperationDocument) => _id } as const;
    const { items: operations, page } = toPage(await this.operations.list(query), '/v1/operations', query, cursor);
    const items = await Promise.all(operations.map(async (operation) => this.view.forDocument(operation)));
    return { items, page };
  }

  @Get('operations/:id')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Get the progress of an operation',
    description: 'Counts generated, acknowledged, saved and dead-lettered orders separately.',
  })
  @ApiOkResponse({ standardSchema: OperationResponseSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such operation' })
  @ApiBadRequestResponse({ description: 'Problem details: the id is not a UUID' })
  async getOperation(@Param('id', { schema: OperationIdSchema }) id: string): Promise<OperationResponse> {
    return this.view.byId(id);
  }
}

/** How long a response waits for the current chunk to end, in ms. After that it returns the pending interruption. */
const WAIT_TIMEOUT_MS = timeLimit(2_000);
const POLL_INTERVAL_MS = 50;

/** Nest reads schemas only from decorators of methods. */
const CHANGED = {
  standardSchema: OperationResponseSchema,
  description: 'The operation. `interruption` is set while the request is pending because a chunk is in progress.',
};

@ApiTags('operations')
@ApiNotFoundResponse({ description: 'Problem details: no such operation' })
@ApiConflictResponse({ description: 'Problem details: the operation has ended, is being cancelled, or is an intake' })
@RequiresScope(InterruptionScope)
@Controller('v1/operations/:id')
export class InterruptionsController {
  constructor(
    private readonly interruptions: Interruptions,
    private readonly operations: Operations,
    private readonly wakeUp: WakeUp,
    private readonly view: OperationView,
  ) {}

  @Post('pause')
  @Audited('pause')
  @HttpCode(HttpStatus.OK)
  @ApiOkResponse(CHANGED)
  @ApiOperation({ summary: 'Pause an operation after the current chunk', description: 'Idempotent.' })
  async pauseOperation(@Param('id', { schema: OperationIdSchema }) id: string): Promise<OperationResponse> {
    return this.done(id, 'paused', await this.interruptions.pause(id));
  }

  @Post('resume')
  @Audited('resume')
  @HttpCode(HttpStatus.OK)
  @ApiOkResponse(CHANGED)
  @ApiOperation({ summary: 'Resume an operation', description: 'Idempotent.' })
  async resumeOperation(@Param('id', { schema: OperationIdSchema }) id: string): Promise<OperationResponse> {
    return this.done(id, 'running', await this.interruptions.resume(id));
  }

  @Post('cancel')
  @Audited('cancel')
  @HttpCode(HttpStatus.OK)
  @ApiOkResponse(CHANGED)
  @ApiOperation({
    summary: 'Cancel an operation after the current chunk',
    description: 'Acknowledged orders remain; `ackedNumbers` lists them exactly. Idempotent.',
  })
  async cancelOperation(@Param('id', { schema: OperationIdSchema }) id: string): Promise<OperationResponse> {
    return this.done(id, 'cancelled', await this.interruptions.cancel(id));
  }

  /**
   * Waits until the operation has the target status, for at most 2 seconds.
   * @param changed the changed operation; if `null`, the operation must already have the target status
   */
  private async done(
    id: string,
    wanted: OperationDocument['status'],
    changed: OperationDocument | null,
  ): Promise<OperationResponse> {
    if (changed === null) await this.rejectIntake(id, wanted);
    this.wakeUp.call();
    const deadline = systemClock.now() + WAIT_TIMEOUT_MS;
    for (let operation = changed ?? (await this.operations.find(id)); ; operation = await this.operations.find(id)) {
      if (operation === null) throw notFound(`There is no operation ${id}.`);
      const isPending = Boolean(operation.interruption);
      if (operation.status === wanted && !isPending) return this.view.forDocument(operation);
      if (!isPending || changed === null)
        throw new Problem(
          HttpStatus.CONFLICT,
          'operation-ended',
          `The operation is ${isPending ? 'being cancelled' : operation.status}: it cannot become ${wanted}.`,
        );
      if (systemClock.now() > deadline) return this.view.forDocument(operation);
      await sleep(systemClock, POLL_INTERVAL_MS);
    }
  }

  /** An intake sends its orders before it responds: there is nothing to hold back. */
  private async rejectIntake(id: string, wanted: string): Promise<void> {
    const operation = await this.operations.find(id);
    if (operation?.kind !== 'intake') return;
    throw new Problem(
      HttpStatus.CONFLICT,
      'not-interruptible',
      `An intake cannot become ${wanted}: its accepted orders are sent already. It ends with its day, or when its producer stops.`,
    );
  }
}

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
