import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Long, UUID } from 'mongodb';
import { type DeadLetterDocument, deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import { type OperationDocument, operationsCollection } from '#orders/operation/operation.js';
import { type Ingest, ordersCollection, toDocument } from '#orders/order/order-document.js';
import { anOrder } from '#orders/testing/an-order.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { type OrderTrace, OrderTraces, TraceLinks } from '../apps/query-api/src/order-trace.controller.js';
import { emptyServers } from './support/own-servers.js';

const [POPULATE, INTAKE] = ['01a20e65-570e-7570-bea6-000000000001', '01a20e65-570e-7570-bea6-000000000002'] as const;
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const AT = new Date('2026-01-31T12:00:00Z');
const LETTER: DeadLetterDocument = {
  _id: 'orders.v1/3/4711',
  state: 'saved',
  origin: { topic: 'orders.v1', partition: 3, offset: 4_711, timestamp: AT },
  letter: { partition: 3, offset: 7 },
  operationId: POPULATE,
  index: 1,
  error: { code: 'refused-by-database', message: 'a rule' },
  attempts: 5,
  deadLetteredAt: AT,
  tries: [{ operationId: new UUID().toHexString(), at: AT, sent: null, orderId: null, outcome: 'saved', endedAt: AT }],
};

function codes({ steps }: OrderTrace): string[] {
  return steps.map(({ code }) => code);
}

describe('the trace of a saved order', () => {
  let mongo: Mongo;
  let traces: OrderTraces;

  beforeAll(async () => {
    mongo = new Mongo((await emptyServers())?.MONGODB_URI ?? '', 'orders-test');
    traces = new OrderTraces(mongo, new TraceLinks('http://traces.test/{traceId}'));
    const { db } = mongo;
    const populate = { _id: POPULATE, kind: 'populate', firstNumber: 10, count: 5, requestedAt: AT };
    const intake = { _id: INTAKE, kind: 'intake', firstNumber: 0, count: 9, requestedAt: new Date(0) };
    await operationsCollection(db).insertMany([populate, intake] as OperationDocument[]);
    await intakeBatchesCollection(db).insertMany([
      { _id: 20, operationId: INTAKE, from: 3, count: 2, state: 'acknowledged', at: AT },
    ]);
    // The extra record of a fault has its own dead letter, whose offset is lower here.
    const extra = { ...LETTER, _id: 'orders.v1/3/1', fault: 'conflict' as const };
    await deadLettersCollection(db).insertMany([extra, LETTER, { ...LETTER, _id: 'orders.v1/3/2', index: 2 }]);
  });

  afterAll(async () => mongo.client.close());

  async function traceOf(number: number, operationId: string | null, change?: Partial<Ingest>): Promise<OrderTrace> {
    const order = anOrder({ number, id: crypto.randomUUID() });
    const operation = operationId === null ? null : new UUID(operationId);
    const ingest = { operationId: operation, partition: 3, offset: Long.fromNumber(9_000), attempts: 1, savedAt: AT };
    await ordersCollection(mongo.db).insertOne(toDocument(order, { ...ingest, ...change }));
    const trace = await traces.of(order.id);
    if (trace === null) throw new Error('the order is not saved');
    return trace;
  }

  it('has the dead letter of its record, and not that of the extra record of a fault', async () => {
    const trace = await traceOf(11, POPULATE);
    expect(codes(trace)).toEqual(['requested', 'sent', 'dead-lettered', 'redriven', 'sent', 'started', 'saved']);
    expect(trace).toMatchObject({ index: 1, traceUrl: null, steps: { 2: { letterId: LETTER._id } } });
  });

  it('links to the trace that is stored with it', async () => {
    const times = { appendedAt: AT, fetchedAt: AT, takenAt: AT, startedAt: AT };
    const trace = await traceOf(13, POPULATE, { trace: { id: TRACE_ID, ...times } });
    expect(codes(trace)).toEqual(['requested', 'sent', 'fetched', 'taken', 'started', 'saved']);
    expect(trace.traceUrl).toBe(`http://traces.test/${TRACE_ID}`);
  });

  it('begins with the batch of an order that was received, since its operation is a day', async () => {
    const [first] = (await traceOf(21, INTAKE)).steps;
    expect(first).toEqual({ code: 'requested', at: AT.toISOString() });
    // Its batch is compacted.
    expect((await traceOf(30, INTAKE)).steps[0]).toEqual({ code: 'requested', at: null });
  });

  it('begins in Kafka if no operation is known', async () => {
    expect(codes(await traceOf(40, null))).toEqual(['sent', 'started', 'saved']);
  });
});
