import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { COMPLETE_THROUGH_HEADERS, CompleteThroughHeader } from '../freshness/complete-through.js';
import { FilterCandidates } from '../order-query/filter-candidates.js';
import { Summaries } from './summaries.js';
import { SummaryQuerySchema, type SummaryRequest, SummaryResponseSchema, type Summary } from './summary-request.js';

@ApiTags('orders')
@UseGuards(CompleteThroughHeader)
@RequiresScope('orders:read')
@Controller('v1/orders/summary')
export class SummaryController {
  constructor(
    private readonly summaries: Summaries,
    private readonly candidates: FilterCandidates,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Sum up orders: count, quantity and amount per group',
    description:
      'The sums are exact. They are grouped by currency and, with `groupBy`, by side, symbol and time: `groupBy=side,day&createdAt[gte]=2026-01-01`. They include each order that was saved before the request, except archived ones. Legacy orders whose missing fields were filled in by the import are excluded unless `includeFilled=true`.',
  })
  @ApiOkResponse({ standardSchema: SummaryResponseSchema, headers: COMPLETE_THROUGH_HEADERS })
  @ApiBadRequestResponse({
    description: 'Problem details that name each invalid parameter; `too-many-groups`: more than 10,000 groups',
  })
  @ApiServiceUnavailableResponse({
    description:
      'Problem details. `summary-being-prepared`: many orders are still being summed up, retry later; `summary-takes-too-long`: request fewer orders',
  })
  async summarizeOrders(@Query({ schema: SummaryQuerySchema }) query: SummaryRequest): Promise<Summary> {
    return this.summaries.of(await this.candidates.corrected(query));
  }
}
