import { Readable } from 'node:stream';
import { Controller, Get, Query, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Order } from '#orders/order/order.js';
import { invalidRequest } from '#service/http/problem.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { COMPLETE_THROUGH_HEADERS, CompleteThroughHeader } from '../freshness/complete-through-header.js';
import type { OrderResponse } from '#orders/order/order-response.js';
import { SavedOrders, type EncodedOrder } from '../orders/saved-orders.js';
import { KnownSpellings } from '../orders/known-spellings.js';
import { parseOrderQuery } from '../order-query/order-query-parameters.js';
import { isWithin, type OrderQuery } from '../order-query/order-query.js';
import { zipOf } from './chunk-zip.js';
import { decodeResponse } from './encoded-order.js';
import { EXPORT_CONTENT, ExportQuerySchema, type ExportRequest } from './export-request.js';
import { csvLine, CSV_HEADER, legacyChunk, ndjsonLine } from './export-rows.js';
import { OpenExports } from './open-exports.js';
import { OrderBatches } from './order-batches.js';

const CHUNK_ORDERS = 1_000;

const TYPES = {
  ndjson: { type: 'application/x-ndjson; charset=utf-8', name: 'orders.ndjson' },
  csv: { type: 'text/csv; charset=utf-8; header=present', name: 'orders.csv' },
  chunks: { type: 'application/zip', name: 'orders.zip' },
};

@ApiTags('orders')
@UseGuards(CompleteThroughHeader)
@RequiresScope('orders:read')
@Controller('v1/orders/export')
export class ExportController {
  constructor(
    private readonly saved: SavedOrders,
    private readonly batches: OrderBatches,
    private readonly open: OpenExports,
    private readonly spellings: KnownSpellings,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Export all orders of an order query as a stream',
    description:
      'The stream is as fast as the client reads. An interrupted export ends without the last HTTP chunk, which HTTP clients report as an error; `after` resumes it after the last order received. An export is interrupted when its token expires, and when its client takes less than 1 KiB/s for 30 s. Archived orders are not exported.',
  })
  @ApiOkResponse({
    description: 'The orders, in the requested sort order',
    headers: COMPLETE_THROUGH_HEADERS,
    content: EXPORT_CONTENT,
  })
  @ApiBadRequestResponse({ description: 'Problem details that name each invalid parameter' })
  async exportOrders(
    @Query({ schema: ExportQuerySchema }) query: ExportRequest,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.open.hold(request, reply);
    const orderQuery = parseOrderQuery(await this.spellings.corrected(query));
    const after = query.after === undefined ? undefined : await this.orderOf(query.after, orderQuery);
    const stream = await this.stream(orderQuery, query.format, after);
    const { type, name } = TYPES[query.format];
    await reply
      .header('Content-Type', type)
      .header('Content-Disposition', `attachment; filename="${name}"`)
      .header('Cache-Control', 'no-store')
      .send(stream);
  }

  private async orderOf(id: string, orderQuery: OrderQuery): Promise<Order> {
    const order = await this.saved.byId(id);
    if (order !== null && isWithin(orderQuery, order)) return order;
    throw invalidRequest([
      {
        field: 'after',
        in: 'query',
        detail: `must be the id of the last order received with the same filter and sort, got "${id}"`,
      },
    ]);
  }

  private async stream(
    orderQuery: OrderQuery,
    format: ExportRequest['format'],
    after: Order | undefined,
  ): Promise<Readable> {
    const batches = this.batches.of(orderQuery, after, format === 'chunks' ? CHUNK_ORDERS : undefined);
    // The first batch is read before anything is sent, so that an unavailable database causes an error response, not a truncated file.
    const started = startingWith(await batches.next(), batches);
    if (format === 'chunks') return zipOf(chunks(started), (n) => `orders-${String(n).padStart(6, '0')}.json`);
    const toText = format === 'csv' ? csvLine : ndjsonLine;
    const header = format === 'csv' && after === undefined ? CSV_HEADER : '';
    return Readable.from(lines(started, toText, header), { objectMode: false });
  }
}

type Batches = AsyncGenerator<readonly EncodedOrder[]>;

async function* startingWith(first: IteratorResult<readonly EncodedOrder[]>, others: Batches): Batches {
  if (first.done) return;
  yield first.value;
  yield* others;
}

async function* lines(
  batches: Batches,
  toText: (order: OrderResponse) => string,
  header: string,
): AsyncGenerator<Buffer> {
  yield Buffer.from(header);
  for await (const orders of batches) yield Buffer.from(orders.map((order) => toText(decodeResponse(order))).join(''));
}

async function* chunks(batches: Batches): AsyncGenerator<string> {
  for await (const orders of batches) yield legacyChunk(orders.map((order) => decodeResponse(order)));
}
