import { describe, expect, it } from '@jest/globals';
import type { SettledBlock } from '#orders/settled/settled-blocks.js';
import type { Verification, VerifiedBlock } from '#reconcile/verify-block.js';
import { settleBlock, type SettlingSteps } from './settle-block.js';

const BLOCK = { count: 3 } as VerifiedBlock;

/** A database that crashes before or after one of its steps. */
class CrashingStore implements SettlingSteps {
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
    if (this.rows < 3) this.problems.push('verified without its bookkeeping');
    return this.verification;
  }

  async store(block: VerifiedBlock): Promise<SettledBlock> {
    if (this.verification.kind !== 'settled') this.problems.push('stored without a clean verification');
    await this.step(() => (this.stored ??= { ...block, isCompacted: false } as SettledBlock));
    return this.stored as SettledBlock;
  }

  async remove(): Promise<void> {
    if (this.stored === null) this.problems.push('removed before the digest was stored');
    await this.step(() => (this.rows = 0));
  }

  async finish(): Promise<void> {
    if (this.rows > 0) this.problems.push('finished with bookkeeping left');
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

describe('settling a block', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'continues after a crash at point %d without losing its bookkeeping',
    async (at) => {
      const store = new CrashingStore({ kind: 'settled', block: BLOCK }, at);
      await expect(settleBlock(store.stored, store)).rejects.toThrow('crash');
      store.steps = Number.NaN;
      expect(await settleBlock(store.stored, store)).toBeUndefined();
      expect(store).toMatchObject({ problems: [], rows: 0, stored: { isCompacted: true } });
    },
  );

  it.each<Verification>([
    { kind: 'open', reason: 'a dead letter is pending' },
    { kind: 'defect', reason: 'missing 1' },
  ])('removes nothing if the verification says $kind', async (verification) => {
    const store = new CrashingStore(verification);
    expect(await settleBlock(null, store)).toEqual(verification);
    expect(store).toMatchObject({ problems: [], rows: 3, stored: null });
  });

  it('does nothing with a block that is compacted', async () => {
    const store = new CrashingStore({ kind: 'settled', block: BLOCK });
    expect(await settleBlock({ isCompacted: true } as SettledBlock, store)).toBeUndefined();
    expect(store.steps).toBe(0);
  });
});
