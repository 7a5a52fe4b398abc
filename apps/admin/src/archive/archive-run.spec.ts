import { describe, expect, it } from '@jest/globals';
import { ArchiveWorld } from './testing/archive-world.js';

const FIRST = 'orders-000000000101-000000000105';
const SECOND = 'orders-000000000106-000000000110';
/** More than an archive and its way back have. */
const MAX_STEPS = 100;

describe('archiving', () => {
  it('moves every order to a file, lists it, and removes it only afterwards', async () => {
    const world = new ArchiveWorld();
    expect(await world.archive()).toEqual({ archives: 2, orders: 10, tooNew: 0, left: [] });
    expect(world.store.orders.size).toBe(0);
    expect(await world.folder.orders()).toEqual([...world.all.values()]);
    expect(await world.states()).toEqual({ [FIRST]: 'archived', [SECOND]: 'archived' });
    expect(world.store.ids.size).toBe(10);
    const [range] = await world.store.ranges();
    expect(range).toMatchObject({ _id: 101, last: 105, count: 5, from: 0, positions: [1_000_000] });
    expect(world.steps.slice(0, 4)).toEqual(['write', 'complete', 'list', 'store ids']);
    expect(await world.problems()).toEqual([]);
  });

  it('waits until no process works with an older list before it removes anything', async () => {
    const world = new ArchiveWorld();
    const startedAt = world.store.timeMs;
    let removedAt = 0;
    const remove = world.store.remove.bind(world.store);
    world.store.remove = async (documents) => {
      removedAt ||= world.store.timeMs;
      await remove(documents);
    };
    await world.archive();
    expect(removedAt - startedAt).toBeGreaterThanOrEqual(15_000);
  });

  it('ends anywhere, and is continued by the next run: no order is lost, doubled or saved again', async () => {
    let crashes = 0;
    for (let crashAt = 1; crashAt < MAX_STEPS; crashAt += 1) {
      const world = new ArchiveWorld();
      world.crashAt = crashAt;
      const crashed = await world.archive().then(
        () => false,
        () => true,
      );
      expect([crashAt, await world.problems()]).toEqual([crashAt, []]);
      world.crashAt = undefined;
      await world.archive();
      expect([crashAt, world.store.orders.size, await world.states()]).toEqual([
        crashAt,
        0,
        { [FIRST]: 'archived', [SECOND]: 'archived' },
      ]);
      expect([world.store.ids.size, await world.problems()]).toEqual([10, []]);
      if (!crashed) break;
      crashes += 1;
    }
    expect(crashes).toBeGreaterThan(10);
  });

  it('removes orders that a suspended consumer has saved again', async () => {
    const world = new ArchiveWorld();
    await world.archive();
    world.store.orders.set(103, world.all.get(103) ?? Buffer.alloc(0));
    expect(await world.archive()).toMatchObject({ archives: 1 });
    expect([world.store.orders.size, await world.states()]).toEqual([0, { [FIRST]: 'archived', [SECOND]: 'archived' }]);
  });

  it('removes nothing if the file does not have what was written', async () => {
    const world = new ArchiveWorld();
    const complete = world.folder.complete.bind(world.folder);
    world.folder.complete = async (manifest) => {
      await complete(manifest);
      world.folder.damage(manifest.name);
    };
    await expect(world.archive()).rejects.toMatchObject({ code: 'archive-damaged' });
    expect([world.store.orders.size, world.store.listed.size]).toEqual([10, 0]);
  });

  it('removes nothing if MongoDB has other orders by now', async () => {
    const world = new ArchiveWorld();
    const complete = world.folder.complete.bind(world.folder);
    world.folder.complete = async (manifest) => {
      await complete(manifest);
      world.store.orders.set(103, Buffer.from(world.all.get(104) ?? ''));
    };
    await expect(world.archive()).rejects.toMatchObject({ code: 'archive-differs' });
    expect([world.store.orders.size, world.store.listed.size]).toEqual([10, 0]);
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

  it('leaves orders that are too new, unsettled, or whose records the consumers may read again', async () => {
    const world = new ArchiveWorld();
    expect(await world.archive(new Date('2026-01-15T12:00:00Z'))).toEqual({
      archives: 0,
      orders: 0,
      tooNew: 2,
      left: [],
    });
    world.store.orders.delete(103);
    world.store.committed.set(0, 9);
    world.store.left.push('populate x: it is running');
    const { left } = await world.archive();
    expect(left).toEqual([
      'populate x: it is running',
      expect.stringMatching(
        /orders 101 to 105: its orders are not those that were verified at 2026-01-15T12:00:00.000Z/,
      ),
      expect.stringMatching(/orders 106 to 110: the consumers have not committed its records on partition 0/),
    ]);
    expect([world.store.orders.size, world.store.listed.size]).toEqual([9, 0]);
    expect([...world.folder.manifests.keys()]).toEqual([SECOND]);
  });

  it('writes no manifest if the stored orders are not those of the settled block', async () => {
    const world = new ArchiveWorld();
    world.store.pieces = world.store.pieces.map((piece) => ({ ...piece, digest: Buffer.alloc(32) }));
    expect((await world.archive()).left).toHaveLength(2);
    expect([world.store.orders.size, world.store.listed.size, world.folder.manifests.size]).toEqual([10, 0, 0]);
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
    expect([world.store.listed.size, world.store.ids.size]).toEqual([0, 0]);
  });

  it('ends anywhere, and is continued by the next run', async () => {
    let crashes = 0;
    for (let crashAt = 1; crashAt < MAX_STEPS; crashAt += 1) {
      const world = await archived();
      world.crashAt = crashAt;
      const crashed = await world.bringBack().then(
        () => false,
        () => true,
      );
      expect([crashAt, await world.problems()]).toEqual([crashAt, []]);
      world.crashAt = undefined;
      await world.bringBack();
      expect([crashAt, world.store.orders.size, world.store.listed.size, world.store.ids.size]).toEqual([
        crashAt,
        10,
        0,
        0,
      ]);
      if (!crashed) break;
      crashes += 1;
    }
    expect(crashes).toBe(8);
  });

  it.each([
    ['altered', 'archive-damaged', (world: ArchiveWorld) => world.folder.damage(FIRST)],
    [
      'cut short',
      'archive-damaged',
      (world: ArchiveWorld) =>
        world.folder.files.set(FIRST, (world.folder.files.get(FIRST) ?? Buffer.alloc(0)).subarray(0, -9)),
    ],
    ['missing', 'archive-missing', (world: ArchiveWorld) => world.folder.files.delete(FIRST)],
    ['without a manifest', 'archive-missing', (world: ArchiveWorld) => world.folder.manifests.delete(FIRST)],
    [
      'newer than this version',
      'archive-newer',
      (world: ArchiveWorld) => world.folder.manifests.set(FIRST, JSON.stringify({ format: 2 })),
    ],
    [
      'another one',
      'archive-differs',
      (world: ArchiveWorld) => {
        const range = world.store.listed.get(101);
        if (range !== undefined) world.store.listed.set(101, { ...range, sha256: '0'.repeat(64) });
      },
    ],
  ])('refuses an archive that is %s, and changes nothing', async (_what, code, change) => {
    const world = await archived();
    change(world);
    await expect(world.bringBack()).rejects.toMatchObject({ code });
    expect([world.steps, world.store.orders.size]).toEqual([[], 0]);
  });

  it('keeps the range listed if another order has a number of it', async () => {
    const world = await archived();
    world.store.orders.set(103, world.all.get(104) ?? Buffer.alloc(0));
    await expect(world.bringBack()).rejects.toMatchObject({ code: 'archive-differs' });
    expect((await world.states())[FIRST]).toBe('returning');
  });
});

/** A world whose orders are archived; its steps are counted from here. */
async function archived(): Promise<ArchiveWorld> {
  const world = new ArchiveWorld();
  await world.archive();
  world.steps.length = 0;
  return world;
}
