import { Controller, Get, Header, HttpCode, HttpStatus, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Audited } from '#service/auth/audit.interceptor.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { notFound, Problem } from '#service/http/problem.js';
import { HighestNumber } from '../runs/highest-number.js';
import { FindingsQuerySchema, RunIdSchema, type FindingsQuery } from '../runs/run-response.js';
import { RunUnderWayError } from '../runs/stored-runs.js';
import {
  backfillResponse,
  BackfillSchema,
  UntranslatedOrdersSchema,
  type BackfillResponse,
} from './backfill-response.js';
import { BackfillRuns, UntranslatedOrders } from './backfill-runs.js';
import { newBackfill } from './run-backfill.js';
import type { UntranslatedOrder } from './translated-rows.js';

@ApiTags('backfill')
@RequiresScope('ops:migrate')
@Controller('v1/migration/backfill')
export class BackfillController {
  constructor(
    private readonly runs: BackfillRuns,
    private readonly untranslated: UntranslatedOrders,
    private readonly highest: HighestNumber,
  ) {}

  @Post()
  @Audited('backfill')
  @HttpCode(202)
  @ApiOperation({
    summary: "Copy the legacy system's orders to the new side",
    description:
      'Translates all orders up to the highest legacy number at the start, and starts an import for each 100,000 numbers. ' +
      'It runs in the background beside dual writes and survives restarts. Orders that the new side has already are skipped. ' +
      'Nothing is rounded or filled in: an order without an exact translation is listed in `untranslated`.',
  })
  @ApiAcceptedResponse({ standardSchema: BackfillSchema })
  @ApiConflictResponse({ description: 'Problem details `run-under-way`: a backfill has not ended' })
  async startBackfill(
    @Req() { caller }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BackfillResponse> {
    try {
      const run = await this.runs.start(newBackfill(await this.highest.read()), caller?.subject ?? 'anonymous');
      void reply.header('Location', `/v1/migration/backfill/${run._id}`);
      return backfillResponse(run);
    } catch (error) {
      if (!(error instanceof RunUnderWayError)) throw error;
      throw new Problem(HttpStatus.CONFLICT, error.code, error.message, { id: error.runId });
    }
  }

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Get the last backfill' })
  @ApiOkResponse({ standardSchema: BackfillSchema })
  @ApiNotFoundResponse({ description: 'Problem details: there was none yet' })
  async getLastBackfill(): Promise<BackfillResponse> {
    const run = await this.runs.latest();
    if (run === null) throw notFound('There was no backfill yet: start one by POST /v1/migration/backfill.');
    return backfillResponse(run);
  }

  @Get(':id')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Get a backfill' })
  @ApiOkResponse({ standardSchema: BackfillSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such backfill' })
  async getBackfill(@Param('id', { schema: RunIdSchema }) id: string): Promise<BackfillResponse> {
    const run = await this.runs.find(id);
    if (run === null) throw notFound(`There is no backfill ${id}.`);
    return backfillResponse(run);
  }

  @Get(':id/untranslated')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'List the orders without an exact translation, by number',
    description: 'The first 10,000 are stored; all are counted.',
  })
  @ApiOkResponse({ standardSchema: UntranslatedOrdersSchema })
  async listUntranslated(
    @Param('id', { schema: RunIdSchema }) id: string,
    @Query({ schema: FindingsQuerySchema }) query: FindingsQuery,
  ): Promise<{ items: UntranslatedOrder[] }> {
    return { items: await this.untranslated.list(id, query) };
  }

  @Post(':id/cancel')
  @Audited('cancel-backfill')
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel a backfill', description: 'Imports that it has started go on.' })
  @ApiOkResponse({ standardSchema: BackfillSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such backfill' })
  async cancelBackfill(@Param('id', { schema: RunIdSchema }) id: string): Promise<BackfillResponse> {
    await this.runs.cancel(id);
    return this.getBackfill(id);
  }
}
