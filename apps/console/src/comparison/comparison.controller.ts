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
    summary: 'The comparison of the ways to save that runs, or the last one',
    description: 'What is measured until now is there at once, way by way.',
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
    summary: 'Save the same orders one after another, per partition, and in flight',
    description:
      'Under `npm start` only, which starts a second pipeline for it, on temporary data: yours are not touched. Some two minutes.',
  })
  @ApiAcceptedResponse({ standardSchema: ComparisonResponseSchema })
  @ApiBadRequestResponse({ description: 'Problem details naming every bad field' })
  @ApiConflictResponse({ description: 'Problem details: one runs already, or nobody is there to run it' })
  start(@Body({ schema: ComparisonRequestSchema }) request: ComparisonRequest): ComparisonResponse {
    return this.comparison.start(request);
  }

  @Post('stop')
  @RequiresScope('ops:scale')
  @HttpCode(HttpStatus.ACCEPTED)
  @Audited('stop-compare')
  @ApiOperation({
    summary: 'End it',
    description: 'Within seconds. What was measured stays. Without one that runs nothing happens.',
  })
  @ApiAcceptedResponse({ standardSchema: ComparisonResponseSchema, description: 'As it was when it was asked to end.' })
  @ApiConflictResponse({ description: 'Problem details: nobody is there to run any' })
  stop(): ComparisonResponse {
    return this.comparison.stop();
  }
}
