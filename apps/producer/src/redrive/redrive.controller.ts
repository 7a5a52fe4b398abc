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
import { Audited } from '#service/audit/audited.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { WakeUp } from '../background/leased-job.js';
import { parseIdempotencyKey } from '../operations/idempotency-keys.js';
import { OperationView } from '../operations/operation-progress.js';
import { type OperationResponse, OperationResponseSchema } from '../operations/operation-response.js';
import { RedrivenLetters } from './redriven-letters.js';
import {
  type Discarded,
  DiscardedSchema,
  type DiscardRequest,
  DiscardRequestSchema,
  type RedrivePlan,
  RedrivePlanSchema,
  type RedriveRequest,
  RedriveRequestSchema,
  Redrives,
  toFilter,
} from './redrives.js';

@ApiTags('dead letters')
@ApiBadRequestResponse({ description: 'Problem details that list every invalid field; nothing was sent' })
@RequiresScope('dead-letters:redrive')
@Controller('v1/dead-letters')
export class RedriveController {
  constructor(
    private readonly redrives: Redrives,
    private readonly letters: RedrivenLetters,
    private readonly wakeUp: WakeUp,
    private readonly view: OperationView,
  ) {}

  @Post('redrive')
  @Audited('redrive')
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({
    summary: 'Send dead letters again',
    description:
      'Redrives one, some or all dead letters, as an operation that runs in the background. It ends when the outcome of each letter is known: moved = saved + returned. With `dryRun`, only returns the plan.',
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
    description: 'The operation, with its letters selected',
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
    const operation = await this.redrives.begin(request, parseIdempotencyKey(key, caller));
    this.wakeUp.call();
    void reply.header('Location', `/v1/operations/${operation._id}`);
    return this.view.forDocument(operation);
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
}
