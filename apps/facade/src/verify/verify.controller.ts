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
import type { Difference } from './difference.js';
import { newProgress } from './verification-progress.js';
import {
  DifferencesSchema,
  VerificationSchema,
  verificationResponse,
  type VerificationResponse,
} from './verification-response.js';
import { Differences, VerificationRuns } from './verification-runs.js';

@ApiTags('verify')
@RequiresScope('ops:migrate')
@Controller('v1/migration/verify')
export class VerifyController {
  constructor(
    private readonly runs: VerificationRuns,
    private readonly differences: Differences,
    private readonly highest: HighestNumber,
  ) {}

  @Post()
  @Audited('verify')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Compare all orders of both sides',
    description:
      'Reads both sides by legacy number, up to the highest one at the start. It runs in the background and survives restarts. ' +
      'A difference counts only if it is there in a second reading, after all admitted writes are on both sides.',
  })
  @ApiAcceptedResponse({ standardSchema: VerificationSchema })
  @ApiConflictResponse({ description: 'Problem details `run-under-way`: a verification has not ended' })
  async startVerification(
    @Req() { caller }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<VerificationResponse> {
    try {
      const run = await this.runs.start(newProgress(await this.highest.read()), caller?.subject ?? 'anonymous');
      void reply.header('Location', `/v1/migration/verify/${run._id}`);
      return verificationResponse(run);
    } catch (error) {
      if (!(error instanceof RunUnderWayError)) throw error;
      throw new Problem(HttpStatus.CONFLICT, error.code, error.message, { id: error.runId });
    }
  }

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Get the last verification' })
  @ApiOkResponse({ standardSchema: VerificationSchema })
  @ApiNotFoundResponse({ description: 'Problem details: there was none yet' })
  async getLastVerification(): Promise<VerificationResponse> {
    const run = await this.runs.latest();
    if (run === null) throw notFound('There was no verification yet: start one by POST /v1/migration/verify.');
    return verificationResponse(run);
  }

  @Get(':id')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Get a verification' })
  @ApiOkResponse({ standardSchema: VerificationSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such verification' })
  async getVerification(@Param('id', { schema: RunIdSchema }) id: string): Promise<VerificationResponse> {
    const run = await this.runs.find(id);
    if (run === null) throw notFound(`There is no verification ${id}.`);
    return verificationResponse(run);
  }

  @Get(':id/differences')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'List the differences of a verification, by number',
    description: 'The first 10,000 are stored; all are counted.',
  })
  @ApiOkResponse({ standardSchema: DifferencesSchema })
  async listDifferences(
    @Param('id', { schema: RunIdSchema }) id: string,
    @Query({ schema: FindingsQuerySchema }) query: FindingsQuery,
  ): Promise<{ items: Difference[] }> {
    return { items: await this.differences.list(id, query) };
  }

  @Post(':id/cancel')
  @Audited('cancel-verify')
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel a verification' })
  @ApiOkResponse({ standardSchema: VerificationSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such verification' })
  async cancelVerification(@Param('id', { schema: RunIdSchema }) id: string): Promise<VerificationResponse> {
    await this.runs.cancel(id);
    return this.getVerification(id);
  }
}
