import { Readable } from 'node:stream';
import { z } from 'zod';
import { Controller, Get, Query, Req, Res, UseGuards, Injectable } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ZipFile } from 'yazl';
import type { Order } from '#orders/order/order.js';
import { invalidRequest } from '#service/http/problem.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import type { OrderResponse } from '#orders/order/order-response.js';
import { orderId } from '../orders/order-by-id.js';
import { explainSummaryFilter, orderQueryParameters, parseOrderQuery } from '../order-query/order-query-parameters.js';
import { COMPLETE_THROUGH_HEADERS, CompleteThroughHeader } from '../freshness/complete-through.js';
import { SavedOrders, type EncodedOrder, decodeOrder } from '../orders/saved-orders.js';
import { FilterCandidates } from '../order-query/filter-candidates.js';
import { isWithin, type OrderQuery, sortValueOf } from '../order-query/order-query.js';
import { OpenExports } from '../read-limits.js';
import { indexInterval, type StartAfter } from '../order-query/index-interval.js';
import { decodeResponse, csvLine, CSV_HEADER, legacyChunk, ndjsonLine } from './order-formats.js';

/** The OpenAPI description of the formats. */
const EXPORT_CONTENT = {
  'application/x-ndjson': {
    schema: { type: 'string' as const, description: '`ndjson`: one order a line, as in `GET /v1/orders`.' },
    example: '{"id":"970844c7-0d33-82a3-ba87-000000001266","number":4711,"accountId":"acc-0004711",…}\n',
  },
  'text/csv': {
    schema: {
      type: 'string' as const,
      description:
        '`csv`: a header line, then one order a line. An apostrophe is put before texts that a spreadsheet would run as a formula.',
    },
  },
  'application/zip': {
    schema: { type: 'string' as const, format: 'binary', description: '`chunks`: JSON arrays of 1,000 orders.' },
  },
};

/** `GET /v1/orders/export`. */
const ExportQuerySchema = z.strictObject(
  {
    format: z
      .enum(['ndjson', 'csv', 'chunks'])
      .describe(
        'The format of the file. `chunks`: a zip of JSON arrays of 1,000 orders, the format of the legacy system; it can be imported again.',
      )
      .meta({ examples: ['csv'] }),
    ...orderQueryParameters,
    after: orderId
      .optional()
      .describe(
        'Resumes an interrupted export after this order, the last one received. Filter and sort must be the same.',
      ),
  },
  { error: explainSummaryFilter },
);

type ExportRequest = z.infer<typeof ExportQuerySchema>;

/**
 * Orders per batch. More of a larger batch survives minor garbage collections, which then take a third of the time: batches of 2,000
 * orders reach two thirds of the rate (measured).
 */
const BATCH_ORDERS = 500;

/** Batches per export that are in memory or being read: MongoDB reads the next ones while one is decoded. */
const BATCHES_AHEAD = 3;

/** Reads all orders of an order query in batches. Up to 3 batches are read ahead while the client receives one. */
@Injectable()
export class OrderBatches {
  constructor(private readonly saved: SavedOrders) {}

  /**
   * @param after the order to continue after
   * @param size orders per batch
   */
  async *of(
    orderQuery: OrderQuery,
    after: Order | undefined,
    size = BATCH_ORDERS,
  ): AsyncGenerator<readonly EncodedOrder[]> {
    const following = async (batch: Promise<readonly EncodedOrder[]>): Promise<readonly EncodedOrder[]> => {
      const orders = await batch;
      const last = orders.length < size ? undefined : orders.at(-1);
      return last === undefined ? [] : this.read(orderQuery, decodeOrder(last), size);
    };
    let reading = this.read(orderQuery, after, size);
    const ahead = [reading];
    for (;;) {
      while (ahead.length < BATCHES_AHEAD) {
        reading = following(reading);
        // The loop reports a failure when it awaits the batch. If the client disconnects first, nothing awaits it.
        reading.catch(() => undefined);
        ahead.push(reading);
      }
      const orders = (await ahead.shift()) ?? [];
      if (orders.length === 0) return;
      yield orders;
    }
  }

  /** Reads one batch with its own query. One cursor for all batches would stay open while a client is slow or gone. */
  private async read(
    orderQuery: OrderQuery,
    after: Order | undefined,
    limit: number,
  ): Promise<readonly EncodedOrder[]> {
    const direction = orderQuery.sort.descending ? -1 : 1;
    const startAfter: StartAfter | undefined = after && {
      position: { value: sortValueOf(after, orderQuery.sort.field), number: after.number },
      direction,
    };
    return this.saved.scanEncoded({ interval: indexInterval(orderQuery, startAfter), direction, limit });
  }
}

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
    private readonly candidates: FilterCandidates,
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
    const orderQuery = parseOrderQuery(await this.candidates.corrected(query));
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

/**
 * Streams a zip archive. Each file is generated only after the previous one has been read, so at most one file is in memory.
 * @param files the contents of the files
 * @param nameOf returns the name of the nth file, from 1
 */
function zipOf(files: AsyncGenerator<string>, nameOf: (n: number) => string): Readable {
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  let added = 0;
  const addNext = async (): Promise<void> => {
    const { done, value } = await files.next();
    if (done) return zip.end();
    added += 1;
    const file = Readable.from([Buffer.from(value)]);
    file.once('end', () => void addNext().catch((error: Error) => output.destroy(error)));
    zip.addReadStream(file, nameOf(added));
  };
  output.once('close', () => void files.return(undefined));
  addNext().catch((error: Error) => output.destroy(error));
  return output;
}
