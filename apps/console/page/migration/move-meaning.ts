import { isIrreversible, type Move } from './move.js';
import type { Stage } from './capability.js';

type Meanings = Readonly<Partial<Record<Stage, (share: string) => string>>>;

const OF_READS: Meanings = {
  off: () => 'The legacy system answers all of these reads, and nothing is compared.',
  shadow: (share) =>
    `The legacy system answers. The answers to ${share} of these reads are compared with the new side’s in the background.`,
  live: (share) =>
    `The new side answers ${share} of these reads, and each answer is compared with the legacy system’s. The facade goes back to shadow by itself when the new side fails or differs.`,
  complete: (share) => `The new side answers ${share} of these reads, and nothing is compared any more.`,
};

const OF_WRITES: Meanings = {
  off: () =>
    'New orders go to the legacy system only, and it assigns the numbers again. The new side misses them: the next attempt needs another backfill and verify.',
  dualwrite: (share) =>
    `The legacy system answers. New orders of ${share} of the accounts are written to the new side too, and the facade assigns the numbers.`,
  live: (share) =>
    `The new side answers the writes of ${share} of the accounts, and the legacy system follows. During the hand-over, their writes wait up to 2 s, then get 503.`,
  complete: (share) => `The legacy system gets no more orders of ${share} of the accounts.`,
};

const FINAL = 'This is final: nothing goes back to the legacy system from then on, by no rollback and by no force.';
const COUNTED_ANEW = 'Samples, mismatches and latencies are counted anew from this change on.';

/** Says in sentences what a change means for the clients of the legacy system. @param percent of the keys; 100 for a rollback */
export function meaningOf(move: Move, percent: number): readonly string[] {
  const meanings = move.capability === 'writes' ? OF_WRITES : OF_READS;
  const share = percent === 100 ? 'all' : `${percent} %`;
  // “all of these reads”, “25 % of these reads”: both read well.
  return [meanings[move.stage]?.(share) ?? '', isIrreversible(move) ? FINAL : COUNTED_ANEW];
}
