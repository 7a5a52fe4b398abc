import { beforeEach, describe, expect, it } from '@jest/globals';
import { BSON, Double, Long, UUID, type Db } from 'mongodb';
import { archivedRange } from '#orders/archive/testing/archived-range.js';
import { orderGenerator } from '#orders/generator/generator.js';
import { toDocument } from '#orders/order/order-document.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import { Findings } from './findings.js';
import { MissingRecords } from './missing-records.js';
import { recordPositions } from './record-position.js';
import { KnownOrder } from './sent-order.js';

const OPERATION = '01935c9e-8a00-7000-8000-000000000001';
const COUNT = 3;
const orderAt = orderGenerator({
  operationId: OPERATION,
  seed: 1,
  count: COUNT,
  firstNumber: 101,
  accounts: 9,
  from: new Date(0),
  to: new Date(1_000),
});
const ORDERS = Array.from({ length: COUNT }, (_, index) => orderAt(index));
/** All orders are on one partition. */
const POSITIONS = recordPositions(
  [{ partition: 0, records: COUNT, baseOffset: 40 }],
  ORDERS.map((_order, index) => ({ index, fault: undefined, partition: 0 })),
);

const RANGE = archivedRange({ first: 1, last: 100 });

/** Returns the raw document of an order. */
function stored(index: number, change: object = {}): Buffer {
  const ingest = {
    operationId: new UUID(OPERATION),
    partition: 0,
    offset: Long.ONE,
    attempts: 1,
    savedAt: new Date(5),
  };
  return Buffer.from(BSON.serialize({ ...toDocument(orderAt(index), ingest), ...change }));
}

/** Creates a database with these orders. */
function databaseWith(orders: readonly Buffer[]): Db {
  return { collection: () => ({ find: () => ({ toArray: async () => orders }) }) } as unknown as Db;
}

describe('acknowledged order that was not found', () => {
  let findings: Findings;

  beforeEach(() => {
    findings = new Findings();
  });

  /** @returns the number of lost orders, if the consumers have committed all of them */
  async function countLost(orders: readonly Buffer[], archived: readonly string[] = []): Promise<number> {
    const records = new MissingRecords({
      db: databaseWith(orders),
      operation: { _id: OPERATION, kind: 'populate', fullBlocks: [] } as unknown as OperationDocument,
      positions: {
        committed: new Map([[0, 40 + COUNT]]),
        ends: new Map([[0, 40 + COUNT]]),
        lettersAreProjected: true,
      },
      findings,
      archivedIds: { find: async (ids) => new Map(ids.flatMap((id) => (archived.includes(id) ? [[id, RANGE]] : []))) },
    });
    const unaccounted = ORDERS.map((order, index) => ({
      index,
      order: new KnownOrder(order, false),
      fault: undefined,
    }));
    await records.explain(unaccounted, POSITIONS);
    return records.lost.length;
  }

  it('is lost if it is not stored', async () => {
    expect(await countLost([])).toBe(3);
  });

  it('is saved, and not altered, if it was stored as sent in the meantime', async () => {
    expect(await countLost([stored(0), stored(2)])).toBe(1);
    expect(findings.counts.saved).toBe(2);
  });

  it('is no loss if it was saved before under another number, and is archived with it', async () => {
    expect(await countLost([], [ORDERS[1]?.id ?? ''])).toBe(2);
    expect(findings.counts.skipped).toBe(1);
  });

  it('is altered if it is stored with another number, or with a value of another type', async () => {
    const altered = [
      stored(0, { number: Long.fromNumber(999) }),
      stored(1, { quantity: new Double(orderAt(1).quantity) }),
    ];
    expect(await countLost(altered)).toBe(1);
    expect(findings.counts.saved).toBe(0);
    const { alteredOrders } = findings.figures(false);
    expect(alteredOrders.map(({ fields }) => fields)).toEqual([['number'], ['order of fields or their types']]);
  });
});
