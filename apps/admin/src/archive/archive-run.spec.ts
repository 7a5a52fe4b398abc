import { describe, expect, it } from '@jest/globals';
import { Binary } from 'mongodb';
import { packIndexes, packRuns } from '#orders/numbering/number-runs.js';
import type { SettledBlock } from '#orders/settled/settled-blocks.js';
import { numberGroups, toArchiveBlock } from './archive-store.js';
import { ArchiveWorld } from './testing/archive-world.js';

const FIRST = 'orders-000000000101-000000000105';
const SECOND = 'orders-000000000106-000000000110';
/** What MongoDB has before, and after the archiving. */
const STORED = { stored: 10, ids: 0, states: {} };
const ARCHIVED = { stored: 0, ids: 10, states: { [FIRST]: 'archived', [SECOND]: 'archived' } };
/** More than an archive and its way back have. */
const MAX_STEPS = 100;

/** Returns a world whose orders are archived; its steps are counted from here. */
async function archived(): Promise<ArchiveWorld> {
  const world = new ArchiveWorld();
  await world.archive();
  world.steps.length = 0;
  return world;
}

/**
 * Does the work once for each of its steps, crashes at this step, and does it again.
 * @param end what MongoDB has afterwards
 * @returns the number of crashes
 */
async function crashAnywhere(
  create: () => ArchiveWorld | Promise<ArchiveWorld>,
  work: (world: ArchiveWorld) => Promise<unknown>,
  end: object,
): Promise<number> {
  for (let crashAt = 1; crashAt < MAX_STEPS; crashAt += 1) {
    const world = await create();
    world.crashAt = crashAt;
    const hasCrashed = await work(world).then(
      () => false,
      () => true,
    );
    expect([crashAt, await world.problems()]).toEqual([crashAt, []]);
    world.crashAt = undefined;
    await work(world);
    expect([crashAt, await world.contents(), await world.problems()]).toEqual([crashAt, end, []]);
    if (!hasCrashed) return crashAt - 1;
  }
  return MAX_STEPS;
}

describe('archiving', () => {
  it('moves every order to a file, lists it, and removes it only afterwards', async () => {
    const world = new ArchiveWorld();
    expect(await world.archive()).toEqual({ archives: 2, orders: 10, tooNew: 0, left: [] });
    expect(await world.folder.orders()).toEqual([...world.all.values()]);
    expect(await world.contents()).toEqual(ARCHIVED);
    const [range] = await world.store.ranges();
    expect(range).toMatchObject({ _id: 101, last: 105, count: 5, from: 0, positions: [1_000_000] });
    expect(world.steps.slice(0, 4)).toEqual(['write', 'complete', 'list', 'store ids']);
    expect(await world.problems()).toEqual([]);
  });

  it('waits until no process works with an older list before it removes anything', async () => {
    const world = new ArchiveWorld();
    const startedAt = world.store.timeMs;
    let removedAt = 0;
    world.before.set('remove', () => (removedAt ||= world.store.timeMs));
    await world.archive();
    expect(removedAt - startedAt).toBeGreaterThanOrEqual(15_000);
  });

  it('ends anywhere, and is continued by the next run: no order is lost, doubled or saved again', async () => {
    expect(
      await crashAnywhere(
        () => new ArchiveWorld(),
        async (world) => world.archive(),
        ARCHIVED,
      ),
    ).toBeGreaterThan(10);
  });

  it('removes orders that a suspended consumer has saved again', async () => {
    const world = await archived();
    world.store.orders.set(103, world.all.get(103) ?? Buffer.alloc(0));
    expect(await world.archive()).toMatchObject({ archives: 1 });
    expect(await world.contents()).toEqual(ARCHIVED);
  });

  it.each<[string, code: string, change: (world: ArchiveWorld) => void]>([
    ['the file does not have what was written', 'archive-damaged', (world) => world.folder.damage(FIRST)],
    [
      'MongoDB has other orders by now',
      'archive-differs',
      ({ store, all }) => store.orders.set(103, Buffer.from(all.get(104) ?? '')),
    ],
  ])('removes nothing if %s', async (_, code, change) => {
    const world = new ArchiveWorld();
    world.before.set('complete', () => change(world));
    await expect(world.archive()).rejects.toMatchObject({ code });
    expect(await world.contents()).toEqual(STORED);
  });

  it('uses a file of an earlier run only if it has the same orders', async () => {
    const world = new ArchiveWorld();
    world.crashAt = 3;
    await expect(world.archive()).rejects.toThrow('crash at list');
    world.crashAt = undefined;
    const other = new ArchiveWorld();
    await world.archive();
    expect(world.steps.filter((step) => step === 'write')).toHaveLength(2);
    // The archive of another database, whose order 101 differs.
    const altered = Buffer.from(other.all.get(101) ?? '');
    altered[14] = (altered[14] ?? 0) ^ 1;
    other.store.orders.set(101, altered);
    for (const [name, file] of world.folder.files) other.folder.files.set(name, file);
    for (const [name, text] of world.folder.manifests) other.folder.manifests.set(name, text);
    await expect(other.archive()).rejects.toMatchObject({ code: 'archive-differs' });
    expect(other.store.orders.size).toBe(10);
  });

  it('leaves orders that are too new', async () => {
    const world = new ArchiveWorld();
    const result = await world.archive(new Date('2026-01-15T12:00:00Z'));
    expect(result).toEqual({ archives: 0, orders: 0, tooNew: 2, left: [] });
  });

  it('leaves orders that are not verified, or whose records the consumers may read again', async () => {
    const world = new ArchiveWorld();
    world.store.orders.delete(103);
    world.committed.set(0, 9);
    world.store.left.push('populate x: it is running');
    const { left } = await world.archive();
    expect(left).toEqual([
      'populate x: it is running',
      expect.stringMatching(
        /orders 101 to 105: its orders are not those that were verified at 2026-01-15T12:00:00.000Z/,
      ),
      expect.stringMatching(/orders 106 to 110: the consumers have not committed its records on partition 0/),
    ]);
    expect(await world.contents()).toEqual({ ...STORED, stored: 9 });
    expect([...world.folder.manifests.keys()]).toEqual([SECOND]);
  });

  it('writes no manifest if the stored orders are not those of the verified block', async () => {
    const world = new ArchiveWorld();
    world.store.blocks = world.store.blocks.map((block) => ({ ...block, digest: Buffer.alloc(32) }));
    expect((await world.archive()).left).toHaveLength(2);
    expect([await world.contents(), world.folder.manifests.size]).toEqual([STORED, 0]);
  });

  it('removes no order that is not in the file', async () => {
    const world = new ArchiveWorld();
    const remove = world.store.remove.bind(world.store);
    world.store.remove = async (documents) => {
      await remove(documents);
      world.store.orders.set(102, world.all.get(107) ?? Buffer.alloc(0));
    };
    await expect(world.archive()).rejects.toMatchObject({
      code: 'archive-differs',
      message: expect.stringContaining('1 orders with numbers of'),
    });
    expect(world.store.orders.get(102)).toEqual(world.all.get(107));
  });
});

describe('bringing archived orders back', () => {
  it('restores every byte, and takes the ranges from the list', async () => {
    const world = await archived();
    await world.bringBack();
    expect([...world.store.orders.values()]).toEqual([...world.all.values()]);
    expect(await world.contents()).toEqual(STORED);
  });

  it('ends anywhere, and is continued by the next run', async () => {
    expect(await crashAnywhere(archived, async (world) => world.bringBack(), STORED)).toBe(8);
  });

  it.each<[string, code: string, change: (world: ArchiveWorld) => void]>([
    ['altered', 'archive-damaged', ({ folder }) => folder.damage(FIRST)],
    ['cut short', 'archive-damaged', ({ folder }) => folder.cutShort(FIRST)],
    ['missing', 'archive-missing', ({ folder }) => folder.files.delete(FIRST)],
    ['without a manifest', 'archive-missing', ({ folder }) => folder.manifests.delete(FIRST)],
    ['newer than this version', 'archive-newer', ({ folder }) => folder.manifests.set(FIRST, '{"format":2}')],
    ['another one', 'archive-differs', ({ store }) => store.relist(101, { sha256: '0'.repeat(64) })],
  ])('refuses an archive that is %s, and changes nothing', async (_, code, change) => {
    const world = await archived();
    change(world);
    await expect(world.bringBack()).rejects.toMatchObject({ code });
    expect([world.steps, world.store.orders.size]).toEqual([[], 0]);
  });

  it('keeps the range listed if another order has a number of it', async () => {
    const world = await archived();
    world.store.orders.set(103, world.all.get(104) ?? Buffer.alloc(0));
    await expect(world.bringBack()).rejects.toMatchObject({ code: 'archive-differs' });
    expect((await world.contents()).states).toMatchObject({ [FIRST]: 'returning' });
  });
});

describe('the archive of a verified block', () => {
  /** The batches of an intake, the second of which has lower numbers than the first. */
  const block = {
    _id: { operationId: 'day', from: 0 },
    first: 10,
    last: 309,
    runs: packRuns([
      { from: 5, first: 300, count: 10 },
      { from: 15, first: 10, count: 5 },
    ]),
    absent: packIndexes([6, 7]),
    saved: 13,
    discarded: 1,
    skipped: 1,
    digest: new Binary(Buffer.alloc(32, 7)),
    verifiedAt: new Date('2026-01-15T12:00:00Z'),
  } as SettledBlock;
  const runs = [
    { first: 300, last: 309 },
    { first: 10, last: 14 },
  ];

  it('has its numbers in the order of their indexes, and what has no order', () => {
    expect(toArchiveBlock({ kind: 'intake' }, block)).toEqual({
      operationId: 'day',
      kind: 'intake',
      from: 5,
      runs,
      ends: { first: 10, last: 309 },
      discarded: 1,
      elsewhere: 1,
      digest: Buffer.alloc(32, 7),
      verifiedAt: block.verifiedAt,
    });
  });

  it('is read in that order: a query, which sorts by number, has no runs that go back', () => {
    expect([...numberGroups(runs)].map(({ size }) => size)).toEqual([10, 5]);
    expect([...numberGroups(runs.toReversed())].map(({ size }) => size)).toEqual([15]);
  });
});
