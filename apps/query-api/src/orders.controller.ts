import { Body, Controller, Get, HttpCode, HttpStatus, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';
import type { Order } from '#orders/order/order.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import {
  AwaitedOrders,
  BatchGetResponseSchema,
  BatchGetSchema,
  orderId,
  type BatchGet,
  type BatchGetResponse,
  AbsentOrders,
  OneOrderQuerySchema,
  type OneOrderQuery,
} from './orders/order-by-id.js';
import { WaitingReads } from './read-limits.js';
import { COMPLETE_THROUGH_HEADERS, CompleteThroughHeader } from './freshness/complete-through.js';
import { OrderPages } from './paging/order-pages.js';
import {
  linkHeader,
  LINK_HEADERS,
  OrdersPageSchema,
  type OrdersPage,
  OrdersQuerySchema,
  RangeQuerySchema,
  type OrdersRequest,
  type RangeRequest,
} from './paging/orders-page.js';
import { byNumber } from './orders/number-holes.js';
import { orderQueryPath } from './order-query/order-query.js';
import { parseOrderQuery } from './order-query/order-query-parameters.js';
import { orderResponse, OrderResponseSchema, type OrderResponse } from '#orders/order/order-response.js';
import { SavedOrders } from './orders/saved-orders.js';
import { FilterCandidates } from './order-query/filter-candidates.js';

@ApiTags('orders')
@ApiBadRequestResponse({ description: 'Problem details that name each invalid parameter' })
@UseGuards(CompleteThroughHeader)
@RequiresScope('orders:read')
@Controller('v1/orders')
export class OrdersController {
  constructor(
    private readonly saved: SavedOrders,
    private readonly awaited: AwaitedOrders,
    private readonly waiting: WaitingReads,
    private readonly pages: OrderPages,
    private readonly candidates: FilterCandidates,
    private readonly absent: AbsentOrders,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'List orders by page: filtered and sorted',
    description:
      '`page` returns a numbered page; for unfiltered orders sorted by number, every page costs the same. Without `page`, cursor pagination starts: follow `page.next`, or send `page.nextToken` as `pageToken`. That returns each order that exists at the start exactly once, also while new orders are saved. To miss none, note the watermark of a response (its header `X-Complete-Through`), send it as `number[lte]`, and later continue with it as `number[gt]`. `currency` and `side` filter the summary only: to list orders by them, export orders and filter the lines. Archived orders are not returned.',
  })
  @ApiOkResponse({ standardSchema: OrdersPageSchema, headers: { ...COMPLETE_THROUGH_HEADERS, ...LINK_HEADERS } })
  async listOrders(
    @Query({ schema: OrdersQuerySchema }) query: OrdersRequest,
    @Req() { caller }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrdersPage> {
    const orderQuery = parseOrderQuery(await this.candidates.corrected(query));
    const request = { orderQuery, path: orderQueryPath(orderQuery), caller: caller?.subject ?? null };
    return withLinks(await this.pages.page(request, query), reply);
  }

  @Get(':id')
  @ApiOperation({
    summary: 'Get one order by id',
    description: 'With `waitMs`, the request waits up to that time for an order that is not saved yet.',
  })
  @ApiOkResponse({ standardSchema: OrderResponseSchema, headers: COMPLETE_THROUGH_HEADERS })
  @ApiNotFoundResponse({
    description: 'Problem details: no such order, or not saved yet. `order-archived`: it is in an archive',
  })
  async getOrder(
    @Param('id', { schema: orderId }) id: string,
    @Query({ schema: OneOrderQuerySchema }) { waitMs }: OneOrderQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderResponse> {
    const saved = await this.saved.byId(id);
    if (saved !== null) return orderResponse(saved);
    await this.absent.requireNotArchived(id);
    const order = waitMs > 0 ? await this.await(id, waitMs, request, reply) : null;
    if (order === null) throw this.absent.notSaved(id);
    return orderResponse(order);
  }

  @Get('range')
  @ApiOperation({
    summary: 'List orders by number range',
    description: 'The range includes both ends. Paging works as in `GET /v1/orders`.',
  })
  @ApiOkResponse({ standardSchema: OrdersPageSchema, headers: { ...COMPLETE_THROUGH_HEADERS, ...LINK_HEADERS } })
  async listOrdersInRange(
    @Query({ schema: RangeQuerySchema }) { from, to, ...paging }: RangeRequest,
    @Req() { caller }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrdersPage> {
    const path = `/v1/orders/range?from=${from}&to=${to}&`;
    const request = { orderQuery: byNumber({ from, to }), path, caller: caller?.subject ?? null };
    return withLinks(await this.pages.page(request, paging), reply);
  }

  @Post('batch-get')
  @RouteConfig({ onlyReads: true } satisfies FastifyContextConfig)
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Get several orders by id' })
  @ApiOkResponse({ standardSchema: BatchGetResponseSchema, headers: COMPLETE_THROUGH_HEADERS })
  async batchGetOrders(@Body({ schema: BatchGetSchema }) { ids }: BatchGet): Promise<BatchGetResponse> {
    const distinctIds = [...new Set(ids)];
    const saved = await this.saved.byIds(distinctIds);
    return {
      items: distinctIds.flatMap((id) => saved.get(id) ?? []).map(orderResponse),
      missing: distinctIds.filter((id) => !saved.has(id)),
    };
  }

  private async await(id: string, waitMs: number, request: FastifyRequest, reply: FastifyReply): Promise<Order | null> {
    this.waiting.hold(request, reply);
    const disconnected = new AbortController();
    reply.raw.once('close', () => disconnected.abort());
    // The client may have disconnected during the first read: `close` is emitted only once, so it would never fire here.
    if (reply.raw.destroyed) return null;
    return this.awaited.find(id, waitMs, disconnected.signal);
  }
}

function withLinks(page: OrdersPage, reply: FastifyReply): OrdersPage {
  const link = linkHeader(page.page);
  if (link !== undefined) void reply.header('Link', link);
  return page;
}
