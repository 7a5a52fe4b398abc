import { Body, Controller, Get, Header, HttpCode, HttpStatus, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Audited } from '#service/auth/audit.interceptor.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { ComparisonRequestSchema, type ComparisonRequest } from './comparison-request.js';
import { ComparisonResponseSchema, type ComparisonResponse } from './comparison-response.js';
import { SupervisedComparison } from './supervised-comparison.js';

@ApiTags('comparison')
@Controller('v1/comparison')
export class ComparisonController {
  constructor(private readonly comparison: SupervisedComparison) {}

  @Get()
  @RequiresScope('orders:read')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Get the running comparison, or the last one',
    description: 'Contains the results so far while the comparison is running.',
  })
  @ApiOkResponse({ standardSchema: ComparisonResponseSchema })
  latest(): ComparisonResponse {
    return this.comparison.current;
  }

  @Post()
  @RequiresScope('ops:scale')
  @HttpCode(HttpStatus.ACCEPTED)
  @Audited('compare')
  @ApiOperation({
    summary: 'Start a comparison: save the same orders one after another, per partition, and in flight',
    description:
      'Only under `npm start`, which starts a second pipeline with temporary data. Your data stay untouched. Takes about two minutes.',
  })
  @ApiAcceptedResponse({ standardSchema: ComparisonResponseSchema })
  @ApiBadRequestResponse({ description: 'Problem details naming every invalid field' })
  @ApiConflictResponse({
    description: 'Problem details: a comparison is already running, or no supervisor is connected',
  })
  start(@Body({ schema: ComparisonRequestSchema }) request: ComparisonRequest): ComparisonResponse {
    return this.comparison.start(request);
  }

  @Post('stop')
  @RequiresScope('ops:scale')
  @HttpCode(HttpStatus.ACCEPTED)
  @Audited('stop-compare')
  @ApiOperation({
    summary: 'Stop the running comparison',
    description: 'Takes seconds and keeps the results so far. Does nothing when none is running.',
  })
  @ApiAcceptedResponse({
    standardSchema: ComparisonResponseSchema,
    description: 'The state when the stop was requested.',
  })
  @ApiConflictResponse({ description: 'Problem details: no supervisor is connected' })
  stop(): ComparisonResponse {
    return this.comparison.stop();
  }
}
