import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { COMPLETE_THROUGH_HEADERS, CompleteThroughHeader } from '../freshness/complete-through-header.js';
import { Summaries } from './summaries.js';
import { SummaryQuerySchema, type SummaryRequest } from './summary-query.js';
import { SummaryResponseSchema, type Summary } from './summary-response.js';

@ApiTags('orders')
@UseGuards(CompleteThroughHeader)
@RequiresScope('orders:read')
@Controller('v1/orders/summary')
export class SummaryController {
  constructor(private readonly summaries: Summaries) {}

  @Get()
  @ApiOperation({
    summary: 'How many orders there are, and what their quantities and amounts come to',
    description:
      'Exact, by currency, and by side, symbol and time as asked: `groupBy=side,day&createdAt[gte]=2026-01-01T00:00:00Z`. All that was saved when it was asked is in the figures. Orders of the legacy system some of whose fields were made up are left out unless `includeFilled=true`.',
  })
  @ApiOkResponse({ standardSchema: SummaryResponseSchema, headers: COMPLETE_THROUGH_HEADERS })
  @ApiBadRequestResponse({
    description: 'Problem details naming every bad parameter; `too-many-groups`: there are more than 10,000',
  })
  @ApiServiceUnavailableResponse({
    description:
      'Problem details. `summary-being-prepared`: many orders are not summed up yet, and are now; `summary-takes-too-long`: ask for fewer',
  })
  async summary(@Query({ schema: SummaryQuerySchema }) query: SummaryRequest): Promise<Summary> {
    return this.summaries.of(query);
  }
}
