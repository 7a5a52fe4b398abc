import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { BatchResultsError, type OpenRecord, type RecordTrace } from '@orders-pipeline/parallel-consumer';
import { anAttempt } from '@orders-pipeline/parallel-consumer/testing';
import { saveDrawsOf } from '#orders/consumer/simulated-save.js';
import { originHeaders } from '#orders/operation/record-headers.js';
import { formatMoney } from '#orders/order/money.js';
import { UndecodableOrderError } from '#orders/order/order-codec.js';
import type { OrderDocument } from '#orders/order/order-document.js';
import { anOrder } from '#orders/testing/an-order.js';
import { BulkUncertainError, type InsertOrders, type InsertResult } from './bulk-insert.js';
import { paymentCall } from './examples/payment-call.js';
import { classifySaveFailure, OrderSaver, UnsavableOrderError } from './order-saver.js';
import { seededDelays, simulatedDelay } from './simulated-delay.js';

const OPERATION_ID = '01935c9e-8a00-7000-8000-000000000001';
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const MAX_BYTES = 8;
const NO_DELAY = simulatedDelay({ minimum: 0, maximum: 0 }, () => 0, new ManualClock());
const MALFORMED = new UndecodableOrderError('malformed-avro', 'no order -1');

/** Decodes a value, which is the number of an order; that of a negative number can't be decoded. */
function decode(value: Buffer | null) {
  const number = Number(String(value));
  if (number < 0) throw new UndecodableOrderError('malformed-avro', `no order ${number}`);
  return anOrder({ number });
}

const saveAll: InsertOrders = async (documents) => documents.map(() => ({ kind: 'saved' }));
const numbersOf = (documents: readonly OrderDocument[]): number[] => documents.map(({ number }) => number.toNumber());

/** Returns the headers of an operation's record, as Kafka returns them. */
function headersOf(index: number, operationId = OPERATION_ID): Record<string, Buffer> {
  const texts = Object.entries(originHeaders({ operationId, index }));
  return Object.fromEntries(texts.map(([name, text]) => [name, Buffer.from(text)]));
}

/** Creates a saver that remembers the bulks it inserts. @param learn requests the schema of a value */
function saving(
  insert: InsertOrders = saveAll,
  learn: (value: Buffer | null) => Promise<void> | undefined = () => undefined,
  delay = NO_DELAY,
) {
  const inserted: OrderDocument[][] = [];
  const saver = new OrderSaver({ learn, decode }, delay, { maxBytes: MAX_BYTES, batchWaitMs: 20 }, async (bulk) => {
    inserted.push([...bulk]);
    return insert(bulk);
  });
  const saveOne = async (number: number, offset = 0, trace?: RecordTrace): Promise<void> => {
    const valueText = String(number);
    const value = Buffer.from(valueText);
    const at = { topic: 'orders', partition: 3, offset, timestamp: 17, key: null };
    await saver.handler(
      { ...at, value, valueText, headers: headersOf(number), byteLength: value.length },
      anAttempt({ number: 2, trace }),
    );
  };
  return { saver, inserted, saveOne };
}

/** A trace of a record, whose second attempt runs. */
function aTrace(logFields: RecordTrace['logFields']): RecordTrace {
  return {
    logFields,
    fetchedAt: 18.7,
    takenAt: 19,
    startedAt: 20,
    keyFree: ignore,
    attemptStarted: ignore,
    run: (start) => start(),
    runBatch: async (_size, _others, handle) => handle(),
    inject: (record) => record,
    attemptEnded: ignore,
    retryScheduled: ignore,
    ended: ignore,
  };
}

function ignore(): void {
  // Nothing follows the record.
}

/** Saves orders concurrently. Returns the errors, by order, and the numbers of each bulk. */
async function save(numbers: readonly number[], insert?: InsertOrders) {
  const { saver, inserted, saveOne } = saving(insert);
  const ends = await Promise.allSettled(numbers.map(async (number) => saveOne(number)));
  const errors = ends.map((end) => (end.status === 'fulfilled' ? undefined : (end.reason as unknown)));
  return { errors, saver, inserted: inserted.map(numbersOf) };
}

describe('OrderSaver', () => {
  it('inserts concurrent orders in one bulk, sorted by number', async () => {
    const { errors, inserted } = await save([6, 3, 10, 1]);
    expect(errors).toStrictEqual([undefined, undefined, undefined, undefined]);
    expect(inserted).toEqual([[1, 3, 6, 10]]);
  });

  it('returns to each record the result of its order', async () => {
    const kinds: Record<number, InsertResult> = {
      1: { kind: 'repeated' },
      3: { kind: 'conflict', reason: 'taken' },
      6: { kind: 'refused', reason: 'too large' },
      10: { kind: 'saved' },
    };
    const { errors, saver } = await save([6, 3, 10, 1], async (documents) =>
      numbersOf(documents).map((number) => kinds[number] ?? { kind: 'saved' }),
    );
    expect(errors).toStrictEqual([
      new UnsavableOrderError('refused-by-database', 'too large'),
      new UnsavableOrderError('conflict', 'taken'),
      undefined,
      undefined,
    ]);
    expect(saver.repeated).toBe(1);
  });

  it('fails only the record that can’t be decoded', async () => {
    const { errors, inserted } = await save([5, -1, 2]);
    expect(errors).toStrictEqual([undefined, MALFORMED, undefined]);
    expect(inserted).toEqual([[2, 5]]);
  });

  it('does not call MongoDB if no record can be decoded', async () => {
    const { errors, inserted } = await save([-1]);
    expect([errors, inserted]).toEqual([[MALFORMED], []]);
  });

  it('does not delay other records while it requests a schema, and fails only the record of that schema', async () => {
    const response = Promise.withResolvers<void>();
    const { saveOne } = saving(saveAll, (value) => (String(value) === '3' ? response.promise : undefined));
    const waiting = saveOne(3);
    await saveOne(4);
    const denied = new UndecodableOrderError('unknown-schema', 'the registry has no schema 9');
    response.reject(denied);
    await expect(waiting).rejects.toBe(denied);
  });

  it('rejects a record over the size limit without decoding it', async () => {
    const { errors, inserted } = await save([10 ** 8, 2]);
    expect(errors).toStrictEqual([
      new UnsavableOrderError('oversized', 'the value must have at most 8 bytes (setting MAX_ORDER_BYTES), got 9'),
      undefined,
    ]);
    expect(inserted).toEqual([[2]]);
  });

  it('fails the whole bulk if there are fewer results than orders', async () => {
    const { errors } = await save([1, 2], async () => [{ kind: 'saved' }]);
    expect(errors).toEqual([new BatchResultsError(2, 1), new BatchResultsError(2, 1)]);
  });

  it('fails the whole bulk if its outcome is unknown', async () => {
    const reset = new Error('connection reset');
    const { errors } = await save([1, 2], async () => Promise.reject(reset));
    expect(errors).toEqual([reset, reset]);
  });

  it('stores in each document how it was ingested', async () => {
    const { inserted, saveOne } = saving();
    await saveOne(7);
    const { operationId, partition, offset, attempts, ...others } = inserted[0]?.[0]?.ingest ?? {};
    expect([String(operationId), partition, Number(offset), attempts]).toEqual([OPERATION_ID, 3, 0, 2]);
    expect(Object.keys(others)).toEqual(['savedAt']);
  });

  it('stores the trace and its times in the document of a traced order, behind all other fields', async () => {
    const { inserted, saveOne } = saving();
    await saveOne(7, 0, aTrace({ trace_id: TRACE_ID }));
    const [last] = Object.entries(inserted[0]?.[0]?.ingest ?? {}).toReversed();
    const [appendedAt, fetchedAt, takenAt, startedAt] = [17, 18, 19, 20].map((at) => new Date(at));
    expect(last).toEqual(['trace', { id: TRACE_ID, appendedAt, fetchedAt, takenAt, startedAt }]);
  });

  it('stores no times for a trace without an id', async () => {
    const { inserted, saveOne } = saving();
    await saveOne(7, 0, aTrace({}));
    expect(inserted[0]?.[0]?.ingest).not.toHaveProperty('trace');
  });
});

describe('classifySaveFailure', () => {
  it.each([
    ['poison', new UndecodableOrderError('malformed-avro', 'truncated')],
    ['poison', new UnsavableOrderError('oversized', 'too long')],
    ['poison', new UnsavableOrderError('conflict', 'other content')],
    ['poison', new UnsavableOrderError('order-archived', 'archived')],
    ['poison', new UnsavableOrderError('refused-by-service', 'no such account')],
    // MongoDB rejects the document.
    ['retriable', new UnsavableOrderError('refused-by-database', 'validator')],
    // A server may have caused the failure.
    ['environment', new BulkUncertainError('write concern')],
    ['environment', new MongoNetworkError('connection reset')],
    ['environment', new MongoServerError({ code: 10107, message: 'not primary' })],
    [
      'environment',
      new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) }),
    ],
    ['environment', new Error('an unforeseen error')],
  ])('returns %s for %s', (kind, error) => {
    expect(classifySaveFailure(error)).toBe(kind);
  });
});

/** Starts a payment service that gives these responses in turn. */
async function paying(...statuses: number[]) {
  const requests: unknown[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push({ key: request.headers['idempotency-key'], body: await json(request) });
    response.writeHead(statuses.shift() ?? 200).end();
  };
  const server = createServer((request, response) => void respond(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const delay = paymentCall({ learn: () => undefined, decode }, `http://127.0.0.1:${port}/payments`);
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await promisify(server.close.bind(server))();
  };
  return { requests, delay, close };
}

describe('a call of your own instead of the simulated delay', () => {
  it('saves an order only when the call has succeeded', async () => {
    const { requests, delay, close } = await paying(500, 200);
    const { saveOne, inserted } = saving(saveAll, undefined, delay);
    await expect(saveOne(7)).rejects.toThrow('the payment service responded with 500');
    expect(inserted).toEqual([]);
    await saveOne(7);
    await close();
    expect(inserted.map(numbersOf)).toEqual([[7]]);
    const { id, accountId, amount, currency } = anOrder({ number: 7 });
    const paid = { key: id, body: { accountId, amount: formatMoney(amount), currency } };
    expect(requests).toEqual([paid, paid]);
  });

  it('reports an order that the service rejects as invalid', async () => {
    const { delay, close } = await paying(422);
    await expect(saving(saveAll, undefined, delay).saveOne(7)).rejects.toMatchObject({ code: 'refused-by-service' });
    await close();
  });

  it('reports an order that cannot be decoded as invalid', async () => {
    const { requests, delay, close } = await paying();
    await expect(saving(saveAll, undefined, delay).saveOne(-1)).rejects.toThrow(MALFORMED);
    await close();
    expect(requests).toEqual([]);
  });

  it('is the one that docs/own-orders.md shows', () => {
    const shown = readFileSync(new URL('../../../docs/own-orders.md', import.meta.url), 'utf8');
    expect(shown).toContain(readFileSync(new URL('examples/payment-call.ts', import.meta.url), 'utf8'));
  });
});

/** Creates a delay with these draws, and records when each wait ends. */
function delaying(minimum: number, maximum: number, ...draws: number[]) {
  const clock = new ManualClock();
  const timers: number[] = [];
  const after: ManualClock['after'] = (milliseconds, run) => {
    timers.push(milliseconds);
    return clock.after(milliseconds, run);
  };
  const delay = simulatedDelay({ minimum, maximum }, () => draws.shift() ?? 0, { now: () => clock.now(), after });
  const ended: number[] = [];
  const pass = delay(() => ended.push(clock.now()));
  const record = { headers: {} } as OpenRecord['record'];
  const start = (count = 1): void => {
    for (let each = 0; each < count; each += 1) pass({ record, attempt: anAttempt(), report: () => undefined });
  };
  return { clock, start, ended, timers };
}

describe('the simulated delay', () => {
  it('has the drawn duration between its bounds, in milliseconds', async () => {
    const { clock, start, ended } = delaying(100, 300, 0, 0.5, 0.999_9);
    start(3);
    await clock.advance(1_000);
    expect(ended).toEqual([100, 200, 300]);
  });

  it('uses one timer for all waits that end in the same millisecond, whenever they started', async () => {
    const { clock, start, ended, timers } = delaying(0, 100, 0.5, 0.3, 0.7);
    start();
    await clock.advance(20);
    start(2);
    await clock.advance(1_000);
    expect(ended).toEqual([50, 50, 90]);
    expect(timers).toHaveLength(2);
  });

  it('starts a new timer after the end of an earlier wait', async () => {
    const { clock, start, ended } = delaying(10, 10);
    start();
    await clock.advance(10);
    start();
    await clock.advance(9);
    expect(ended).toEqual([10]);
    await clock.advance(1);
    expect(ended).toEqual([10, 20]);
  });

  it('uses no timer if its bounds are zero', async () => {
    const { start, ended, clock, timers } = delaying(0, 0);
    start();
    await clock.advance(0);
    expect([ended, timers]).toEqual([[0], []]);
  });

  it('of a seed depends on the index of the order, not on its operation, and is random without an operation', () => {
    const draw = seededDelays(7, () => 0.25);
    const drawn = [0, 1, 999].map((index) => draw({ headers: headersOf(index) }));
    expect(drawn).toEqual([0, 1, 999].map(saveDrawsOf(7)));
    expect(draw({ headers: headersOf(1, OPERATION_ID.replace(/1$/, '2')) })).toBe(drawn[1]);
    expect(draw({ headers: {} })).toBe(0.25);
  });
});
