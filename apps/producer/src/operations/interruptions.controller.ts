import { Controller, HttpCode, HttpStatus, Param, Post } from '@nestjs/common';
import { ApiConflictResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { OperationDocument } from '#orders/operation/operation.js';
import { pause as sleep, systemClock } from '@orders-pipeline/clock';
import { notFound, Problem } from '#service/http/problem.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Audited } from '#service/audit/audit-requests.js';
import { Interruptions } from '../background/interruptions.js';
import { InterruptionScope } from './interruption-scope.js';
import { OperationIdSchema } from './operation-id.js';
import { OperationResponseSchema, type OperationResponse } from './operation-response.js';
import { OperationView } from './operation-view.js';
import { Operations } from './operations.js';
import { WakeUp } from '../background/wake-up.js';
import { timeLimit } from '#orders/time-limit.js';

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
