import { describe, expect, it } from '@jest/globals';
import { Long, UUID } from 'mongodb';
import { ArchivedList } from '#orders/archive/archived-list.js';
import { archivedRange } from '#orders/archive/testing/archived-range.js';
import type { OrderDocument } from '#orders/order/order-document.js';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { withoutArchived } from './archived-orders.js';
import type { InsertResult } from './bulk-insert.js';

const ID = '01935c9e-8a00-7000-8000-0000000000aa';
const LATER = 5_001;

/** A document of the order with this number, of the record at an offset of partition 2. */
function document(number: number, offset: number, id = crypto.randomUUID()): OrderDocument {
  const ingest = { partition: 2, offset: Long.fromNumber(offset) };
  return { _id: new UUID(id), number: Long.fromNumber(number), ingest } as unknown as OrderDocument;
}

/** The numbers 101 to 200 are archived, and so is the order ID; its records on partition 2 before offset 50 were processed before. */
function consumerWith(ranges = [archivedRange({ first: 101, last: 200, kind: 'import', positions: [0, 0, 50] })]) {
  const clock = new ManualClock();
  const source = { reads: 0, fails: false };
  const list = new ArchivedList(
    {
      revision: async () => {
        source.reads += 1;
        if (source.fails) throw new Error('MongoDB is away');
        return String(ranges.length);
      },
      ranges: async () => [...ranges],
    },
    clock,
  );
  const [range] = ranges;
  const ids = {
    find: async (wanted: readonly string[]) =>
      new Map(wanted.flatMap((id) => (id === ID && range !== undefined ? [[id, range] as const] : []))),
  };
  const inserted: number[] = [];
  const insert = withoutArchived(
    async (documents) => {
      inserted.push(...documents.map(({ number }) => number.toNumber()));
      return documents.map(() => ({ kind: 'saved' }));
    },
    list,
    ids,
  );
  const kinds = async (...documents: OrderDocument[]): Promise<InsertResult['kind'][]> =>
    (await insert(documents)).map(({ kind }) => kind);
  return { clock, source, ids, inserted, insert, kinds };
}

describe('a consumer, for archived orders', () => {
  it('skips a record that was processed before its order was archived', async () => {
    const { kinds, inserted } = consumerWith();
    expect(await kinds(document(100, 1), document(101, 49), document(200, 0), document(201, 2))).toEqual([
      'saved',
      'replayed',
      'replayed',
      'saved',
    ]);
    expect(inserted).toEqual([100, 201]);
  });

  it('rejects a later record with the number or the id of an archived order, and names the archive', async () => {
    const { insert, inserted } = consumerWith();
    const results = await insert([document(150, 50), document(900, 51, ID), document(901, 52)]);
    expect(results).toMatchObject([
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
      ranges.push(archivedRange({ first: 101, last: 200, positions: [0, 0, 50] }));
      return found;
    };
    expect(await kinds(document(101, 49))).toEqual(['replayed']);
    expect(inserted).toEqual([]);
  });

  it('takes a record on a partition that was added later for a new one', async () => {
    const { kinds } = consumerWith([archivedRange({ first: 101, last: 200, positions: [10, 10] })]);
    expect(await kinds(document(150, 0))).toEqual(['archived']);
  });

  it('reads the list again before it saves with one that is older than 5 s, and saves nothing without it', async () => {
    const { clock, source, kinds, inserted } = consumerWith();
    await kinds(document(1, 0));
    await kinds(document(2, 1));
    expect(source.reads).toBe(1);
    await clock.advance(LATER);
    source.fails = true;
    await expect(kinds(document(3, 2))).rejects.toThrow('MongoDB is away');
    expect(inserted).toEqual([1, 2]);
    source.fails = false;
    expect(await kinds(document(3, 2))).toEqual(['saved']);
  });
});
