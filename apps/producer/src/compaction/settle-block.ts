import type { SettledBlock } from '#orders/settled/settled-blocks.js';
import type { Verification, VerifiedBlock } from '#reconcile/verify-block.js';

/** The steps of settling one block. Each is durable when it resolves, and harmless when it is repeated. */
export interface SettlingSteps {
  /** Compares the orders of the block with what was sent. */
  verify(): Promise<Verification>;
  /** Stores the digest. @returns the stored block, which may be that of another process */
  store(block: VerifiedBlock): Promise<SettledBlock>;
  /** Removes the bookkeeping that the stored block replaces. */
  remove(block: SettledBlock): Promise<void>;
  /** Records that the bookkeeping is removed. */
  finish(block: SettledBlock): Promise<void>;
}

/** Why a block is not settled. */
export type Unsettled = Exclude<Verification, { readonly kind: 'settled' }>;

/**
 * Replaces the bookkeeping of a block by its digest: verify, store the digest, remove. A crash after any step leaves a state from which
 * the next turn continues, and nothing is removed without a stored digest.
 * @param stored the block of an earlier turn; `null` if it is not verified yet
 * @returns why the block is not settled; `undefined` if it is settled and its bookkeeping is removed
 */
export async function settleBlock(stored: SettledBlock | null, steps: SettlingSteps): Promise<Unsettled | undefined> {
  if (stored?.isCompacted === true) return undefined;
  let block = stored;
  if (block === null) {
    const verification = await steps.verify();
    if (verification.kind !== 'settled') return verification;
    block = await steps.store(verification.block);
  }
  await steps.remove(block);
  await steps.finish(block);
  return undefined;
}
