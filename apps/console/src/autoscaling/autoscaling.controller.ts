import { z } from 'zod';
import { Controller, Get, Header, HttpCode, HttpStatus, Post, Query } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { systemClock } from '@orders-pipeline/clock';
import { pageSizeParameter, pageOf } from '#service/http/request-input.js';
import { Audited } from '#service/audit/audit-requests.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Problem } from '#service/http/problem.js';
import {
  AutoscalingSchema,
  autoscalingView,
  DecisionPageSchema,
  DesiredConsumersSchema,
  toItem,
  type AutoscalingView,
  type DecisionPage,
  type DesiredConsumers,
} from './autoscaling-response.js';
import { AutoscalingStatus } from './autoscaling-status.js';
import { MongoAutoscalerStore } from './autoscaler-store.js';

/** `GET /v1/pipeline/autoscaling/decisions`. */
const DecisionQuerySchema = z.strictObject({
  before: z
    .guid('must be the id of a decision')
    .toLowerCase()
    .optional()
    .describe('Cursor of the next page: only decisions before this one. Take it from `next`.'),
  pageSize: pageSizeParameter('Decisions', { maximum: 200, byDefault: 20 }),
});

type DecisionQuery = z.infer<typeof DecisionQuerySchema>;

const PATH = 'v1/pipeline';
/** An older number says nothing about the load of now. KEDA then uses its fallback. */
const FRESH_MS = 60_000;

@ApiTags('pipeline')
@RequiresScope('orders:read')
@Controller(PATH)
export class AutoscalingController {
  constructor(
    private readonly status: AutoscalingStatus,
    private readonly store: MongoAutoscalerStore,
  ) {}

  @Get('desired-consumers')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Get how many consumers there should be',
    description: "For KEDA's `metrics-api` scaler. In a dry run, that is the number of now.",
  })
  @ApiOkResponse({ standardSchema: DesiredConsumersSchema })
  @ApiConflictResponse({ description: 'Problem details: the autoscaler is off' })
  @ApiServiceUnavailableResponse({ description: 'Problem details: nothing was observed in the last minute' })
  desired(): DesiredConsumers {
    this.requireOn();
    const state = this.status.latest?.state ?? null;
    if (state === null || systemClock.now() - state.at > FRESH_MS)
      throw new Problem(
        HttpStatus.SERVICE_UNAVAILABLE,
        'load-unknown',
        'The autoscaler has observed nothing in the last minute: MongoDB, Kafka or all heartbeats are missing.',
      );
    return { desired: Math.max(1, state.wanted) };
  }

  @Get('autoscaling')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Get what the autoscaler does now', description: 'Also in each `pipeline` event.' })
  @ApiOkResponse({ standardSchema: AutoscalingSchema })
  @ApiConflictResponse({ description: 'Problem details: the autoscaler is off' })
  autoscaling(): AutoscalingView {
    this.requireOn();
    return autoscalingView(this.status) as AutoscalingView;
  }

  @Get('autoscaling/decisions')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'List the decisions of the autoscaler, newest first',
    description: 'Steps, verdicts, and new reasons to wait, of the last seven days.',
  })
  @ApiOkResponse({ standardSchema: DecisionPageSchema })
  @ApiBadRequestResponse({ description: 'Problem details that list every invalid parameter' })
  async listDecisions(
    @Query({ schema: DecisionQuerySchema }) { before, pageSize }: DecisionQuery,
  ): Promise<DecisionPage> {
    const { items, hasMore } = pageOf(await this.store.list(before, pageSize + 1), pageSize);
    const last = items.at(-1);
    const parameters = new URLSearchParams({ pageSize: String(pageSize), before: last?.id ?? '' });
    const next = hasMore && { next: `/${PATH}/autoscaling/decisions?${parameters.toString()}` };
    return { items: items.map(toItem), page: { size: pageSize, ...next } };
  }

  @Post('autoscaling/resume')
  @HttpCode(HttpStatus.NO_CONTENT)
  @RequiresScope('ops:scale')
  @Audited('resume-autoscaling')
  @ApiOperation({
    summary: 'Resume autoscaling',
    description: 'Ends the hold that follows a number of consumers that a person has set.',
  })
  @ApiNoContentResponse({ description: 'The autoscaler decides again within about a second' })
  @ApiConflictResponse({ description: 'Problem details: the autoscaler is off' })
  async resume(): Promise<void> {
    this.requireOn();
    await this.store.requestResume();
  }

  private requireOn(): void {
    if (this.status.mode === 'off')
      throw new Problem(
        HttpStatus.CONFLICT,
        'autoscaling-off',
        'The autoscaler is off. Start the console with AUTOSCALE=dry-run or AUTOSCALE=on.',
      );
  }
}
