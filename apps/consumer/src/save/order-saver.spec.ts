import { describe, expect, it } from '@jest/globals';
import { orderGenerator } from '#orders/generator/generator.js';
import { UndecodableOrderError } from '#orders/order/order-codec.js';
import type { OrderDocument } from '#orders/order/order-document.js';
import { originHeaders } from '#orders/operation/record-headers.js';
import { BatchResultsError } from '@orders-pipeline/parallel-consumer';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { anAttempt } from '@orders-pipeline/parallel-consumer/testing';
import type { InsertResult } from './bulk-insert.js';
import { OrderConflictError, OrderRefusedError, OrderSaver, OversizedOrderError } from './order-saver.js';
import { simulatedDelay } from './simulated-delay.js';

const OPERATION_ID = '01935c9e-8a00-7000-8000-000000000001';
const orderAt = orderGenerator({
  operationId: OPERATION_ID,
  seed: 1,
  count: 10,
  firstNumber: 1,
  accounts: 9,
  from: new Date(0),
  to: new Date(1_000),
});
const ATTEMPT = anAttempt({ number: 2 });
const NO_DELAY = simulatedDelay({ minimum: 0, maximum: 0 }, () => 0, new ManualClock());

/** Decodes a value, which is the order's index; a negative index can't be decoded. */
function decode(value: Buffer | null) {
  const index = Number(String(value));
  if (index < 0) throw new UndecodableOrderError('malformed-avro', `no order ${index}`);
  return orderAt(index);
}

const MAX_BYTES = 8;
const LIMITS = { maxBytes: MAX_BYTES, batchWaitMs: 20 };

const learn = (): undefined => undefined;

/** Saves the orders with these indexes concurrently. Returns the errors, by order, and the inserted documents. */
async function save(
  indexes: readonly number[],
  insert: (documents: readonly OrderDocument[]) => Promise<readonly InsertResult[]>,
) {
  const inserted: OrderDocument[][] = [];
  const saver = new OrderSaver({ learn, decode }, NO_DELAY, LIMITS, async (documents) => {
    inserted.push([...documents]);
    return insert(documents);
  });
  const ends = await Promise.allSettled(
    indexes.map(async (index, offset) => {
      const headers = {
        'operation-id': Buffer.from(originHeaders({ operationId: OPERATION_ID, index })['operation-id'] ?? ''),
      };
      const valueText = String(index);
      const value = Buffer.from(valueText);
      const at = { topic: 'orders', partition: 3, offset, timestamp: 0 };
      return saver.handler({ ...at, key: null, value, valueText, headers, byteLength: value.length }, ATTEMPT);
    }),
  );
  const errors = ends.map((end) => (end.status === 'fulfilled' ? undefined : (end.reason as unknown)));
  return { errors, inserted, saver };
}

const numbersOf = (documents: readonly OrderDocument[]): number[] => documents.map(({ number }) => number.toNumber());

describe('OrderSaver', () => {
  it('inserts concurrent orders in one bulk, sorted by number', async () => {
    const { errors, inserted } = await save([5, 2, 9, 0], async (documents) =>
      documents.map(() => ({ kind: 'saved' })),
    );
    expect(errors).toStrictEqual([undefined, undefined, undefined, undefined]);
    expect(inserted.map(numbersOf)).toEqual([[1, 3, 6, 10]]);
  });

  it('returns to each record the result of its order', async () => {
    const kinds: Record<number, InsertResult> = {
      1: { kind: 'repeated' },
      3: { kind: 'conflict', reason: 'taken' },
      6: { kind: 'refused', reason: 'too large' },
      10: { kind: 'saved' },
    };
    const { errors, saver } = await save([5, 2, 9, 0], async (documents) =>
      numbersOf(documents).map((number) => kinds[number] ?? { kind: 'saved' }),
    );
    expect(errors).toStrictEqual([
      new OrderRefusedError('too large'),
      new OrderConflictError('taken'),
      undefined,
      undefined,
    ]);
    expect(saver.repeated).toBe(1);
  });

  it('fails only the record that can’t be decoded', async () => {
    const { errors, inserted } = await save([4, -1, 1], async (documents) => documents.map(() => ({ kind: 'saved' })));
    expect(errors).toStrictEqual([undefined, new UndecodableOrderError('malformed-avro', 'no order -1'), undefined]);
    expect(inserted.map(numbersOf)).toEqual([[2, 5]]);
  });

  it('does not call MongoDB if no record can be decoded', async () => {
    const { errors, inserted } = await save([-1], async () => []);
    expect(errors).toEqual([new UndecodableOrderError('malformed-avro', 'no order -1')]);
    expect(inserted).toEqual([]);
  });

  it('does not delay other records while it requests a schema, and fails only the record of that schema', async () => {
    const response = Promise.withResolvers<void>();
    const unknown = Buffer.from('3');
    const saver = new OrderSaver(
      { learn: (value) => (value === unknown ? response.promise : undefined), decode },
      NO_DELAY,
      LIMITS,
      async (documents) => documents.map(() => ({ kind: 'saved' })),
    );
    const at = { topic: 'orders', partition: 0, offset: 0, timestamp: 0 };
    const record = { ...at, key: null, valueText: null, headers: {}, byteLength: 0 };
    const waiting = saver.handler({ ...record, value: unknown }, ATTEMPT);
    await saver.handler({ ...record, value: Buffer.from('4') }, ATTEMPT);
    const denied = new UndecodableOrderError('unknown-schema', 'the registry has no schema 9');
    response.reject(denied);
    await expect(waiting).rejects.toBe(denied);
  });

  it('rejects a record over the size limit without decoding it', async () => {
    const { errors, inserted } = await save([10 ** 8, 1], async (documents) =>
      documents.map(() => ({ kind: 'saved' })),
    );
    expect(errors).toStrictEqual([new OversizedOrderError(9, MAX_BYTES), undefined]);
    expect(inserted.map(numbersOf)).toEqual([[2]]);
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
    const { inserted } = await save([7], async (documents) => documents.map(() => ({ kind: 'saved' })));
    const { operationId, partition, offset, attempts } = inserted[0]?.[0]?.ingest ?? {};
    expect([String(operationId), partition, Number(offset), attempts]).toEqual([OPERATION_ID, 3, 0, 2]);
  });
});
