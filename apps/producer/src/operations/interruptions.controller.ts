import { Controller, HttpCode, HttpStatus, Param, Post } from '@nestjs/common';
import { ApiConflictResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { OperationDocument } from '#orders/operation.js';
import { pause as sleep, systemClock } from '#parallel-consumer/clock.js';
import { notFound, Problem } from '#service/problem.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Audited } from '#service/auth/audit.interceptor.js';
import { Interruptions } from '../background/interruptions.js';
import { InterruptionScope } from './interruption-scope.js';
import { OperationIdSchema } from './operation-id.js';
import { OperationResponseSchema, type OperationResponse } from './operation-response.js';
import { OperationView } from './operation-view.js';
import { Operations } from './operations.js';
import { WakeUp } from '../background/wake-up.js';

/** How long an answer waits for the chunk in hand to end; after that it says what is wanted, and not done yet. */
const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 50;

@ApiTags('operations')
@ApiOkResponse({
  standardSchema: OperationResponseSchema,
  description: 'The operation. `interruption` is what is wanted of it and not done yet, with a chunk still in hand.',
})
@ApiNotFoundResponse({ description: 'Problem details: no such operation' })
@ApiConflictResponse({ description: 'Problem details: the operation has ended, or is being cancelled' })
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
  @ApiOperation({ summary: 'Pause it after the chunk in hand', description: 'Pausing a paused one changes nothing.' })
  async pause(@Param('id', { schema: OperationIdSchema }) id: string): Promise<OperationResponse> {
    return this.done(id, 'paused', await this.interruptions.pause(id));
  }

  @Post('resume')
  @Audited('resume')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Let it go on where it was', description: 'Resuming a running one changes nothing.' })
  async resume(@Param('id', { schema: OperationIdSchema }) id: string): Promise<OperationResponse> {
    return this.done(id, 'running', await this.interruptions.resume(id));
  }

  @Post('cancel')
  @Audited('cancel')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'End it after the chunk in hand',
    description:
      'What was acknowledged stays, and `ackedNumbers` says exactly what that is. Cancelling again changes nothing.',
  })
  async cancel(@Param('id', { schema: OperationIdSchema }) id: string): Promise<OperationResponse> {
    return this.done(id, 'cancelled', await this.interruptions.cancel(id));
  }

  /** @param changed the operation, if it was changed; else it must be there and as wanted already */
  private async done(
    id: string,
    wanted: OperationDocument['status'],
    changed: OperationDocument | null,
  ): Promise<OperationResponse> {
    this.wakeUp.call();
    const deadline = systemClock.now() + PATIENCE_MS;
    for (let operation = changed ?? (await this.operations.find(id)); ; operation = await this.operations.find(id)) {
      if (operation === null) throw notFound(`There is no operation ${id}.`);
      const isPending = Boolean(operation.interruption);
      if (operation.status === wanted && !isPending) return this.view.of(operation);
      if (!isPending || changed === null)
        throw new Problem(
          HttpStatus.CONFLICT,
          'operation-ended',
          `The operation's status is ${isPending ? 'about to be cancelled' : operation.status}: it can't become ${wanted}.`,
        );
      if (systemClock.now() > deadline) return this.view.of(operation);
      await sleep(systemClock, LOOK_EVERY_MS);
    }
  }
}
