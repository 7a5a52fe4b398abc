import { Body, Controller, Headers, HttpCode, HttpStatus, Post, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited } from '#service/auth/audit.interceptor.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { WakeUp } from '../background/wake-up.js';
import { idempotencyKeyOf } from '../operations/idempotency-keys.js';
import { OperationResponseSchema, type OperationResponse } from '../operations/operation-response.js';
import { OperationView } from '../operations/operation-view.js';
import {
  DiscardedSchema,
  DiscardRequestSchema,
  filterOf,
  RedrivePlanSchema,
  RedriveRequestSchema,
  type Discarded,
  type DiscardRequest,
  type RedrivePlan,
  type RedriveRequest,
} from './redrive-request.js';
import { RedrivenLetters } from './redriven-letters.js';
import { Redrives } from './redrives.js';

@ApiTags('dead letters')
@ApiBadRequestResponse({ description: 'Problem details naming every bad field; nothing was sent' })
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
      'One, a group or all, as an operation that runs in the background and ends when it is known how each one ended: moved = saved + returned. With `dryRun` it only says what would be sent.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'A name of your own for this request: repeated with the same body it answers the same operation.',
  })
  @ApiOkResponse({ standardSchema: RedrivePlanSchema, description: 'Of a dry run: what would be sent' })
  @ApiAcceptedResponse({
    standardSchema: OperationResponseSchema,
    description: 'The operation, its letters taken',
    headers: { Location: { description: 'Where to follow it', schema: { type: 'string' } } },
  })
  @ApiConflictResponse({ description: 'Problem details: there is nothing to send' })
  @ApiUnprocessableEntityResponse({ description: 'Problem details: the key was used for another request' })
  async redrive(
    @Body({ schema: RedriveRequestSchema }) request: RedriveRequest,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationResponse | RedrivePlan> {
    if (request.dryRun) {
      void reply.status(HttpStatus.OK);
      return this.letters.plan(filterOf(request), request.limit ?? null, request.maxRedrives);
    }
    const operation = await this.redrives.begin(request, idempotencyKeyOf(key));
    this.wakeUp.call();
    void reply.header('Location', `/v1/operations/${operation._id}`);
    return this.view.of(operation);
  }

  @Post('discard')
  @Audited('discard')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Let dead letters wait no more',
    description:
      'For those that nothing can repair. They stay on their topic, and are told and reconciled as discarded.',
  })
  @ApiOkResponse({ standardSchema: DiscardedSchema })
  async discard(@Body({ schema: DiscardRequestSchema }) request: DiscardRequest): Promise<Discarded> {
    return { discarded: await this.letters.discard(filterOf(request)) };
  }
}
