import { isMissingOrder, type Difference } from './differences.js';

/** What became of a difference. */
export type Verdict =
  /** The answers are equal now, and writes explain why they were not. */
  | { readonly verdict: 'equal' }
  /** It is still there, or the answers are equal now although no write can have changed them. */
  | { readonly verdict: 'differs' | 'passed'; readonly differences: readonly Difference[] }
  /** Writes go on, and each time other orders are missing on one side. */
  | { readonly verdict: 'undecided' };

/** How often both sides are asked again. */
const ROUNDS = 4;

/**
 * Asks again until a difference has gone, or has stayed. A difference stays if it is there twice in a row, at the same place and with the
 * same values: in a page to which orders are being added, others are missing each time.
 * @param first what the first comparison found
 * @param again waits for the open intents, asks both sides, and compares
 */
export async function recheck(
  first: readonly Difference[],
  again: () => Promise<readonly Difference[]>,
): Promise<Verdict> {
  let before = first;
  for (let round = 0; round < ROUNDS; round += 1) {
    const now = await again();
    if (now.length === 0) return gone(first);
    const known = new Set(before.map(identityOf));
    const stayed = now.filter((difference) => known.has(identityOf(difference)));
    if (stayed.length > 0) return { verdict: 'differs', differences: stayed };
    before = now;
  }
  const changing = before.filter((difference) => !isMissingOrder(difference));
  if (changing.length === 0) return { verdict: 'undecided' };
  return { verdict: 'differs', differences: changing.map(ofChangingAnswer) };
}

/** No order ever changes. Only a missing order can be explained by a write that was under way. */
function gone(first: readonly Difference[]): Verdict {
  const unexplained = first.filter((difference) => !isMissingOrder(difference));
  if (unexplained.length === 0) return { verdict: 'equal' };
  return { verdict: 'passed', differences: unexplained.map(ofChangingAnswer) };
}

/** Keeps a code that says more, such as `html`. */
function ofChangingAnswer(difference: Difference): Difference {
  return {
    code: 'changes-between-reads',
    detail: 'another value each time it is read, without a write',
    ...difference,
  };
}

function identityOf({ path, legacy, new: other, code }: Difference): string {
  return JSON.stringify([path, legacy, other, code]);
}
