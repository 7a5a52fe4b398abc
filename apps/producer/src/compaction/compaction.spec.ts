import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { IntakeBatch } from '#orders/numbering/intake-batches.js';
import type { IndexRange } from '#orders/operation/operation.js';
import type { SettledBlock } from '#orders/settled/settled-blocks.js';
import type { Verification, VerifiedBlock } from '#reconcile/verify-before-compaction.js';
import { nextRun, compactBlock, type CompactionSteps, WorkShare } from './operation-compaction.js';
import { trimOffset } from './operation-leftovers.js';

/** A database that crashes before or after one of its steps. */
class CrashingStore implements CompactionSteps {
  stored: SettledBlock | null = null;
  rows = 3;
  steps = 0;
  readonly problems: string[] = [];

  constructor(
    private readonly verification: Verification,
    private readonly crashAt = Number.POSITIVE_INFINITY,
  ) {}

  async verify(): Promise<Verification> {
    await this.step(() => undefined);
    if (this.rows < 3) this.problems.push('verified without its processing metadata');
    return this.verification;
  }

  async store(block: VerifiedBlock): Promise<SettledBlock> {
    if (this.verification.kind !== 'verified') this.problems.push('stored without a clean verification');
    await this.step(() => (this.stored ??= { ...block, isCompacted: false } as SettledBlock));
    return this.stored as SettledBlock;
  }

  async remove(): Promise<void> {
    if (this.stored === null) this.problems.push('removed before the digest was stored');
    await this.step(() => (this.rows = 0));
  }

  async finish(): Promise<void> {
    if (this.rows > 0) this.problems.push('finished with processing metadata left');
    await this.step(() => (this.stored = { ...(this.stored as SettledBlock), isCompacted: true }));
  }

  /** Even crashes are before the effect of a step, odd ones after it. */
  private async step(effect: () => unknown): Promise<void> {
    await Promise.resolve();
    if (this.steps === this.crashAt) throw new Error('crash');
    effect();
    this.steps += 1;
    if (this.steps === this.crashAt) throw new Error('crash');
    this.steps += 1;
  }
}

describe('compacting a block', () => {
  const verified: Verification = { kind: 'verified', block: { count: 3 } as VerifiedBlock };

  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'continues after a crash at point %d without losing its processing metadata',
    async (at) => {
      const store = new CrashingStore(verified, at);
      await expect(compactBlock(store.stored, store)).rejects.toThrow('crash');
      store.steps = Number.NaN;
      expect(await compactBlock(store.stored, store)).toBeUndefined();
      expect(store).toMatchObject({ problems: [], rows: 0, stored: { isCompacted: true } });
    },
  );

  it.each<Verification>([
    { kind: 'open', reason: 'a dead letter is pending' },
    { kind: 'defect', reason: 'missing 1' },
  ])('removes nothing if the verification says $kind', async (verification) => {
    const store = new CrashingStore(verification);
    expect(await compactBlock(null, store)).toEqual(verification);
    expect(store).toMatchObject({ problems: [], rows: 3, stored: null });
  });

  it('does nothing with a block that is compacted', async () => {
    const store = new CrashingStore(verified);
    expect(await compactBlock({ isCompacted: true } as SettledBlock, store)).toBeUndefined();
    expect(store.steps).toBe(0);
  });
});

function batch(from: number, count: number, change: Partial<IntakeBatch> = {}): IntakeBatch {
  return { _id: 1_000 + from, operationId: 'one', from, count, state: 'acknowledged', at: new Date(0), ...change };
}

/** @returns how many batches it has, or what it waits for */
async function run(batches: readonly IntakeBatch[], passed: readonly IndexRange[] = []) {
  async function* read() {
    yield* batches;
  }
  const next = await nextRun(read(), passed);
  if (next?.kind !== 'batches') return next;
  expect(next.batches).toEqual(batches.slice(0, next.batches.length));
  return next.batches.length;
}

describe('the next verified block of an intake', () => {
  const until = new Date(5);
  const keyed = { requests: [{ key: 'k', request: 'r', at: 0, count: 1 }], keysUntil: until };

  it.each<[string, IntakeBatch[], passed: IndexRange[], next: unknown]>([
    ['has all batches up to 100,000 orders', Array.from({ length: 150 }, (_, at) => batch(at * 1_000, 1_000)), [], 100],
    ['has at most 5,000 batches', Array.from({ length: 6_000 }, (_, at) => batch(at, 1)), [], 5_000],
    ['waits for keys that answer repeated requests', [batch(0, 1), batch(1, 1, keyed)], [], { kind: 'keys', until }],
    ['does not wait without keys', [batch(0, 1), batch(1, 1)], [], 2],
    ['ends before the next verified block', [batch(0, 5), batch(5, 5), batch(20, 5)], [{ from: 10, to: 20 }], 2],
    ['is none without batches', [], [], undefined],
  ])('%s', async (_, batches, passed, next) => {
    expect(await run(batches, passed)).toEqual(next);
  });
});

describe('the records of dead letters that can be removed', () => {
  it.each<[string, old: number, projected: [number, number][], kept: [number, number][], offset: number]>([
    ['are those before the oldest dead letter that is kept', 90, [[3, 100]], [[3, 40]], 40],
    ['are all old ones without a dead letter', 90, [[3, 100]], [], 90],
    ['are never younger than the retention', 30, [[3, 100]], [[3, 40]], 30],
    ['are never unread by the projection', 90, [[3, 20]], [], 20],
    ['are none of a partition that the projection has never read', 90, [], [], 0],
  ])('%s', (_, old, projected, kept, offset) => {
    expect(trimOffset(3, old, new Map(projected), new Map(kept))).toBe(offset);
  });
});

describe('the share of background work', () => {
  it.each([
    ['a twentieth of the time', 50, 950],
    ['more after a long wait for the database: it pauses five seconds at most', 60_000, 5_000],
  ])('is %s', async (_, workMs, restMs) => {
    const clock = new ManualClock();
    const share = new WorkShare(clock);
    let rested = 0;
    for (let part = 0; part < 3; part += 1) {
      await clock.advance(workMs);
      const resting = share.rest().then(() => (rested += 1));
      await clock.advance(restMs - 1);
      expect(rested).toBe(part);
      await clock.advance(1);
      await resting;
    }
    expect(rested).toBe(3);
  });
});
