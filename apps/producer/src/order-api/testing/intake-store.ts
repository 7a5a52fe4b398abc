import { expect, it } from '@jest/globals';
import { Binary } from 'mongodb';
import type { IntakeBatch } from '#orders/numbering/intake-batches.js';
import type { ReservedBlock } from '#orders/numbering/number-blocks.js';
import type { AcknowledgedBatch, BatchFigures, BlockRequest, InsertOutcome, IntakeStore } from '../intake-store.js';

/** The intake's store in memory. */
export class FakeIntakeStore implements IntakeStore {
  /** The highest reserved number. */
  highest = 0;
  readonly batches = new Map<number, IntakeBatch>();
  private blocks: ReservedBlock[] = [];

  async reserve(block: BlockRequest, recorded: readonly number[]) {
    const first = this.highest + 1;
    this.highest += block.count;
    await this.forget(recorded);
    this.blocks.push({ ...block, first });
    return { first, unrecorded: [...this.blocks] };
  }

  async unrecorded(): Promise<readonly ReservedBlock[]> {
    return [...this.blocks];
  }

  async forget(firsts: readonly number[]): Promise<void> {
    this.blocks = this.blocks.filter(({ first }) => !firsts.includes(first));
  }

  async insert(batches: readonly IntakeBatch[]): Promise<InsertOutcome> {
    let outcome: InsertOutcome = 'stored';
    for (const batch of batches) {
      const keys = batch.requests?.map(({ key }) => key) ?? [];
      if (this.batches.has(batch._id)) outcome = 'taken';
      else if (this.having(keys).length > 0) outcome = 'key-used';
      if (outcome !== 'stored') break;
      this.batches.set(batch._id, batch);
    }
    return outcome;
  }

  async findByKeys(keys: readonly string[]): Promise<IntakeBatch[]> {
    return this.having(keys);
  }

  async findInBlock(first: number, last: number): Promise<IntakeBatch[]> {
    return this.sorted().filter(({ _id }) => _id >= first && _id <= last);
  }

  async findReserved(operationId: string): Promise<IntakeBatch[]> {
    return this.sorted().filter((each) => each.operationId === operationId && each.state === 'reserved');
  }

  async acknowledge(batches: readonly AcknowledgedBatch[]): Promise<void> {
    for (const { first, parts, orders } of batches) {
      const batch = this.batches.get(first);
      if (batch?.state !== 'reserved') continue;
      const { values: _values, ...kept } = batch;
      this.batches.set(first, { ...kept, state: 'acknowledged', parts, ...(orders !== undefined && { orders }) });
    }
  }

  async figures(operationId: string): Promise<BatchFigures> {
    const own = this.sorted().filter((each) => each.operationId === operationId && each.state !== 'abandoned');
    const acked = own.filter(({ state }) => state === 'acknowledged');
    return { count: ordersOf(own), acked: ordersOf(acked) };
  }

  /** Returns all batches, ordered by number. */
  sorted(): IntakeBatch[] {
    return [...this.batches.values()].toSorted((a, b) => a._id - b._id);
  }

  private having(keys: readonly string[]): IntakeBatch[] {
    return this.sorted().filter(({ requests }) => requests?.some(({ key }) => keys.includes(key)));
  }
}

function ordersOf(batches: readonly IntakeBatch[]): number {
  return batches.reduce((sum, { count }) => sum + count, 0);
}

const OPERATION = '01935c9e-8a00-7000-8000-000000000001';
const PARTS = [{ partition: 1, records: 2, baseOffset: 7 }];

function keyed(key: string): Pick<IntakeBatch, 'requests' | 'keysUntil'> {
  return { requests: [{ key, request: 'r', at: 0, count: 1 }], keysUntil: new Date(9_000) };
}

async function reserve(store: IntakeStore, count: number, recorded: number[] = []) {
  return store.reserve({ operationId: OPERATION, from: 0, count }, recorded);
}

function aBatch(first: number, change: Partial<IntakeBatch> = {}): IntakeBatch {
  const place = { _id: first, operationId: OPERATION, from: first, count: 2, at: new Date(5) };
  const [orders, values] = [new Binary(Buffer.from('x')), new Binary(Buffer.from('y'))];
  return { ...place, state: 'reserved', orders, values, ...change };
}

/** Declares the specs that every store of the intake must pass. @param create returns a store without blocks and batches */
export function itIsAnIntakeStore(create: () => Promise<IntakeStore>): void {
  it('reserves blocks that follow each other, and lists them until they are recorded', async () => {
    const store = await create();
    const { first, unrecorded } = await reserve(store, 3);
    expect(unrecorded).toEqual([{ operationId: OPERATION, from: 0, count: 3, first }]);
    const second = await reserve(store, 2);
    expect([second.first, second.unrecorded.length]).toEqual([first + 3, 2]);
    const third = await reserve(store, 1, [first]);
    expect(third.unrecorded.map((block) => block.first)).toEqual([first + 3, first + 5]);
    await store.forget([first + 3, first + 5]);
    expect(await store.unrecorded()).toEqual([]);
  });

  it('stores a number once, and no batch behind one that it does not store', async () => {
    const store = await create();
    expect(await store.insert([aBatch(1), aBatch(3, { state: 'abandoned' })])).toBe('stored');
    expect(await store.insert([aBatch(3), aBatch(5)])).toBe('taken');
    expect((await store.findInBlock(1, 9)).map(({ _id, state }) => [_id, state])).toEqual([
      [1, 'reserved'],
      [3, 'abandoned'],
    ]);
    expect((await store.findInBlock(3, 3)).length).toBe(1);
  });

  it('stores a key once', async () => {
    const store = await create();
    for (const each of [aBatch(1, keyed('a')), aBatch(3), aBatch(5)]) expect(await store.insert([each])).toBe('stored');
    expect(await store.insert([aBatch(7, keyed('a'))])).toBe('key-used');
    expect(await store.insert([aBatch(7, keyed('a')), aBatch(9)])).toBe('key-used');
    expect((await store.findByKeys(['a', 'b'])).map(({ _id, requests }) => [_id, requests?.length])).toEqual([[1, 1]]);
    expect(await store.findByKeys(['b'])).toEqual([]);
  });

  it('acknowledges reserved batches only, and counts them', async () => {
    const store = await create();
    await store.insert([aBatch(1), aBatch(3), aBatch(5, { state: 'abandoned', count: 4 })]);
    await store.acknowledge([
      { first: 1, parts: PARTS, orders: new Binary(Buffer.from('z')) },
      { first: 5, parts: PARTS },
      { first: 99, parts: PARTS },
    ]);
    await store.acknowledge([{ first: 1, parts: [] }]);
    const [acknowledged, reserved, abandoned] = await store.findInBlock(1, 9);
    expect(acknowledged).toMatchObject({ state: 'acknowledged', parts: PARTS });
    expect(acknowledged?.values).toBeUndefined();
    expect(String(acknowledged?.orders)).toBe('z');
    expect([reserved?.state, abandoned?.state]).toEqual(['reserved', 'abandoned']);
    expect((await store.findReserved(OPERATION)).map(({ _id }) => _id)).toEqual([3]);
    expect(await store.findReserved('another')).toEqual([]);
    expect(await store.figures(OPERATION)).toEqual({ count: 4, acked: 2 });
    expect(await store.figures('another')).toEqual({ count: 0, acked: 0 });
  });
}
