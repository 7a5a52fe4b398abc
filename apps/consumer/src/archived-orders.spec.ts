import { describe, expect, it } from '@jest/globals';
import { Long, UUID } from 'mongodb';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import { archivedRange } from '#orders/archive/testing/archived-range.js';
import type { OrderDocument } from '#orders/order/order-document.js';
import { withoutArchived } from './archived-orders.js';
import type { InsertResult } from './bulk-insert.js';
import { isBefore, type PlacedLetter } from './dead-letter-projection.js';

const ID = '01935c9e-8a00-7000-8000-0000000000aa';
/** Records on partition 2 before offset 50 were processed before. */
const ARCHIVED = archivedRange({ first: 101, last: 200, kind: 'import', positions: [0, 0, 50] });

/** A document of the order with this number, of the record at an offset of partition 2. */
function document(number: number, offset: number, id = crypto.randomUUID()): OrderDocument {
  const ingest = { partition: 2, offset: Long.fromNumber(offset) };
  return { _id: new UUID(id), number: Long.fromNumber(number), ingest } as unknown as OrderDocument;
}

/** A consumer whose list has these ranges; the order ID is in the first one. */
function consumerWith(ranges = [ARCHIVED]) {
  const clock = new ManualClock();
  const source = { reads: 0, fails: false };
  const revision = async (): Promise<string> => {
    source.reads += 1;
    return source.fails ? Promise.reject(new Error('MongoDB is unavailable')) : String(ranges.length);
  };
  const list = new ArchivedList({ revision, ranges: async () => [...ranges] }, clock);
  const [range] = ranges;
  const ids = {
    find: async (wanted: readonly string[]) =>
      new Map(wanted.flatMap((id) => (id === ID && range !== undefined ? [[id, range] as const] : []))),
  };
  const inserted: number[] = [];
  const saveAll = async (documents: readonly OrderDocument[]): Promise<InsertResult[]> => {
    inserted.push(...documents.map(({ number }) => number.toNumber()));
    return documents.map(() => ({ kind: 'saved' }));
  };
  const insert = withoutArchived(saveAll, list, ids);
  const kinds = async (...documents: OrderDocument[]): Promise<InsertResult['kind'][]> =>
    (await insert(documents)).map(({ kind }) => kind);
  return { clock, source, ids, inserted, insert, kinds };
}

describe('a consumer, for archived orders', () => {
  it('skips a record that was processed before its order was archived', async () => {
    const { kinds, inserted } = consumerWith();
    const results = await kinds(document(100, 1), document(101, 49), document(200, 0), document(201, 2));
    expect(results).toEqual(['saved', 'replayed', 'replayed', 'saved']);
    expect(inserted).toEqual([100, 201]);
  });

  it('rejects a later record with the number or the id of an archived order, and names the archive', async () => {
    const { insert, inserted } = consumerWith();
    expect(await insert([document(150, 50), document(900, 51, ID), document(901, 52)])).toMatchObject([
      { kind: 'archived', reason: expect.stringContaining('orders-000000000101-000000000200') },
      { kind: 'archived', reason: expect.stringContaining('bring it back, or discard') },
      { kind: 'saved' },
    ]);
    expect(inserted).toEqual([901]);
  });

  it('skips the earlier record of an order that kept another number, which is archived', async () => {
    const { kinds, inserted } = consumerWith();
    expect(await kinds(document(900, 49, ID))).toEqual(['replayed']);
    expect(inserted).toEqual([]);
  });

  it('reads the list again if it was suspended between the check and the insert, and the orders were archived meanwhile', async () => {
    const ranges = [archivedRange({ first: 1, last: 9 })];
    const { clock, ids, kinds, inserted } = consumerWith(ranges);
    const find = ids.find.bind(ids);
    ids.find = async (wanted) => {
      const found = await find(wanted);
      ids.find = find;
      await clock.advance(600_000);
      ranges.push(ARCHIVED);
      return found;
    };
    expect(await kinds(document(101, 49))).toEqual(['replayed']);
    expect(inserted).toEqual([]);
  });

  it('takes a record on a partition that was added later for a new one', async () => {
    const { kinds } = consumerWith([{ ...ARCHIVED, positions: [10, 10] }]);
    expect(await kinds(document(150, 0))).toEqual(['archived']);
  });

  it('reads the list again before it saves with one that is older than 5 s, and saves nothing without it', async () => {
    const { clock, source, kinds, inserted } = consumerWith();
    await kinds(document(1, 0));
    await kinds(document(2, 1));
    expect(source.reads).toBe(1);
    await clock.advance(5_001);
    source.fails = true;
    await expect(kinds(document(3, 2))).rejects.toThrow('MongoDB is unavailable');
    expect(inserted).toEqual([1, 2]);
    source.fails = false;
    expect(await kinds(document(3, 2))).toEqual(['saved']);
  });
});

describe('a dead letter of a verified block', () => {
  const BLOCK = { _id: { operationId: 'one', from: 100 }, to: 200, ends: [50, 70] };

  it.each<[string, boolean, Partial<PlacedLetter>, number, number]>([
    ['that was written before the block was verified', true, {}, 1, 69],
    ['that was written later', false, {}, 1, 70],
    ['on a partition that was added later', false, {}, 2, 0],
    ['of another operation', false, { operationId: 'two' }, 1, 69],
    ['of no operation', false, { operationId: null }, 1, 69],
    ['with an index before the block', false, { index: 99 }, 1, 69],
    ['with an index behind the block', false, { index: 200 }, 1, 69],
    ['with an unknown index', false, { index: null }, 1, 69],
  ])('with a record %s is a replayed one: %s', (_, isReplayed, change, partition, offset) => {
    const origin = { topic: 'orders.v1', partition, offset, timestamp: new Date(0) };
    expect(isBefore({ operationId: 'one', index: 150, origin, ...change }, BLOCK)).toBe(isReplayed);
  });
});
