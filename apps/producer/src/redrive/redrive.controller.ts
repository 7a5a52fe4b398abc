import { randomUUID } from 'node:crypto';
import { Body, Controller, Headers, HttpCode, HttpStatus, Post, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { pause, systemClock } from '@orders-pipeline/clock';
import { type OperationDocument, operationsCollection } from '#orders/operation/operation.js';
import { Audited } from '#service/audit/audit-requests.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Problem } from '#service/http/problem.js';
import { leaseFrom } from '#service/mongodb/lease.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { LEASE_MS } from '../background/operation-leases.js';
import { deleteKeys, parseIdempotencyKey } from '../operations/idempotency-keys.js';
import { OperationView } from '../operations/operation-progress.js';
import { type OperationResponse, OperationResponseSchema } from '../operations/operation-response.js';
import { Operations } from '../operations/operations.js';
import {
  type Discarded,
  DiscardedSchema,
  type DiscardRequest,
  DiscardRequestSchema,
  type RedrivePlan,
  RedrivePlanSchema,
  type RedriveRequest,
  RedriveRequestSchema,
  toFilter,
} from './redrive-request.js';
import { RedrivenLetters } from './redriven-letters.js';

/** Maximum number of records that Kafka acknowledges at once. */
const CHUNK = 200;
const POLL_INTERVAL_MS = 50;

@ApiTags('dead letters')
@ApiBadRequestResponse({ description: 'Problem details that list every invalid field; nothing was sent' })
@RequiresScope('dead-letters:redrive')
@Controller('v1/dead-letters')
export class RedriveController {
  constructor(
    private readonly mongo: Mongo,
    private readonly operations: Operations,
    private readonly letters: RedrivenLetters,
    private readonly view: OperationView,
  ) {}

  @Post('redrive')
  @Audited('redrive')
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({
    summary: 'Send dead letters again',
    description:
      'Redrives one, some or all dead letters, as an operation that runs in the background. It ends when the outcome of each dead letter is known: moved = saved + returned. With `dryRun`, only returns the plan.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'A unique key for this request and caller. Repeating the request with the same key and body returns the same operation.',
  })
  @ApiOkResponse({ standardSchema: RedrivePlanSchema, description: 'The plan, for a dry run' })
  @ApiAcceptedResponse({
    standardSchema: OperationResponseSchema,
    description: 'The operation, with its dead letters selected',
    headers: { Location: { description: 'Path of the operation', schema: { type: 'string' } } },
  })
  @ApiConflictResponse({ description: 'Problem details: no dead letter matches' })
  @ApiNotFoundResponse({ description: 'Problem details: no dead letter has this id' })
  @ApiUnprocessableEntityResponse({ description: 'Problem details: the key was used for another request' })
  async redriveDeadLetters(
    @Body({ schema: RedriveRequestSchema }) request: RedriveRequest,
    @Headers('idempotency-key') key: string | undefined,
    @Req() { caller }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationResponse | RedrivePlan> {
    await this.letters.requireId(toFilter(request));
    if (request.dryRun) {
      void reply.status(HttpStatus.OK);
      return this.letters.plan(toFilter(request), request.limit ?? null, request.maxRedrives);
    }
    return this.view.begun(await this.begin(request, parseIdempotencyKey(key, caller)), reply);
  }

  @Post('discard')
  @Audited('discard')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Discard dead letters',
    description: 'For dead letters that cannot be repaired. They stay on their topic and count as discarded.',
  })
  @ApiOkResponse({ standardSchema: DiscardedSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no dead letter has this id' })
  async discardDeadLetters(@Body({ schema: DiscardRequestSchema }) request: DiscardRequest): Promise<Discarded> {
    return { discarded: await this.letters.discard(toFilter(request)) };
  }

  /**
   * Stores a redrive and selects its dead letters, so that concurrent requests cannot send the same dead letter twice.
   * @throws Problem 409 when no dead letter matches
   */
  private async begin(request: RedriveRequest, key: string | undefined): Promise<OperationDocument> {
    const { limit = null, maxRedrives, ratePerSecond = null } = request;
    const filter = toFilter(request);
    const parameters = { filter, limit, maxRedrives, ratePerSecond, chunkSize: CHUNK };
    const lease = leaseFrom(this.mongo.time.now(), randomUUID(), LEASE_MS);
    const redrive = await this.operations.createRedrive(parameters, lease, { key, request });
    if (redrive.kind !== 'redrive' || redrive.redriving?.isSelected !== false) return redrive;
    // A retry of a request whose dead letters are still being selected: return the result of the first request.
    if (redrive.redriving.lease?.owner !== lease.owner) return this.waitForSelection(redrive._id, request);
    const taken = await this.letters.select(redrive);
    if (taken > 0) return this.markSelected(redrive, taken);
    await this.remove(redrive._id);
    return this.rejectEmpty(request);
  }

  private async markSelected(redrive: OperationDocument, letters: number): Promise<OperationDocument> {
    const { _id } = redrive;
    const change = { $set: { letters, 'redriving.isSelected': true, 'redriving.lease': null } };
    const found = await operationsCollection(this.mongo.db).findOneAndUpdate({ _id }, change, {
      returnDocument: 'after',
    });
    return found ?? redrive;
  }

  private async waitForSelection(id: string, request: RedriveRequest): Promise<OperationDocument> {
    for (;;) {
      const operation = await this.operations.find(id);
      if (operation === null) return this.rejectEmpty(request);
      if (operation.kind !== 'redrive' || operation.redriving?.isSelected !== false) return operation;
      await pause(systemClock, POLL_INTERVAL_MS);
    }
  }

  private async rejectEmpty(request: RedriveRequest): Promise<never> {
    const { maxRedrives } = request;
    const { spent } = await this.letters.plan(toFilter(request), null, maxRedrives);
    throw new Problem(
      HttpStatus.CONFLICT,
      'nothing-to-redrive',
      spent > 0
        ? `The ${spent} matching dead letters were already redriven ${maxRedrives} times (maxRedrives).`
        : 'No pending dead letter matches; matching ones may already be redriven or discarded.',
    );
  }

  private async remove(_id: string): Promise<void> {
    await deleteKeys(this.mongo.db, _id);
    await operationsCollection(this.mongo.db).deleteOne({ _id });
  }
}
