import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { UUID } from 'mongodb';
import { z } from 'zod';
import { fromDocument } from '#orders/order-document.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';
import { notFound } from '#service/problem.js';
import { OrderPages } from './order-pages.js';
import { OrderResponseSchema, orderResponse, type OrderResponse } from './order-response.js';
import { OrdersPageSchema, linkHeader, type OrdersPage } from './orders-page.js';
import { OrdersQuerySchema, RangeQuerySchema, type PageRequest, type RangeRequest } from './page-request.js';

@ApiTags('orders')
@ApiBadRequestResponse({ description: 'Problem details naming every bad parameter' })
@Controller('v1/orders')
export class OrdersController {
  constructor(
    private readonly mongo: Mongo,
    private readonly pages: OrderPages,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'All orders, by page',
    description: 'By number, ascending. `page` gives any page at the same cost; without it a walk by `next` begins.',
  })
  @ApiOkResponse({ standardSchema: OrdersPageSchema })
  async orders(
    @Query({ schema: OrdersQuerySchema }) query: PageRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrdersPage> {
    const everything = { from: 1, to: Number.MAX_SAFE_INTEGER, path: '/v1/orders?' };
    return withLinks(await this.pages.page(everything, query), reply);
  }

  @Get('range')
  @ApiOperation({
    summary: 'The orders from one number to another',
    description: 'Both ends belong to it; paged like all orders.',
  })
  @ApiOkResponse({ standardSchema: OrdersPageSchema })
  async range(
    @Query({ schema: RangeQuerySchema }) { from, to, ...paging }: RangeRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrdersPage> {
    const range = { from, to, path: `/v1/orders/range?from=${from}&to=${to}&` };
    return withLinks(await this.pages.page(range, paging), reply);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One order, by its id' })
  @ApiOkResponse({ standardSchema: OrderResponseSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such order, or not saved yet' })
  async order(@Param('id', { schema: z.guid('must be a UUID') }) id: string): Promise<OrderResponse> {
    const document = await ordersCollection(this.mongo.db).findOne(
      { _id: new UUID(id) },
      { projection: { ingest: 0 } },
    );
    if (document === null) throw notFound(`There is no saved order ${id}.`);
    return orderResponse(fromDocument(document));
  }
}

function withLinks(page: OrdersPage, reply: FastifyReply): OrdersPage {
  const link = linkHeader(page.page);
  if (link !== undefined) void reply.header('Link', link);
  return page;
}
