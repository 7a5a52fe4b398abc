import { INTERVAL_NUMBERS, type NumberInterval } from '../sides/number-interval.js';

/** An answer about more numbers could take the legacy system too long. */
const MAX_ASKED = 1_024 * INTERVAL_NUMBERS;

/**
 * Finds where orders go on after an empty interval, by asking about more and more numbers at once, and then about less and less. A
 * client may choose a number far above all others: page by page, the numbers between would take up to a million requests.
 * @param from the first number of an interval
 * @param isEmpty if it rejects, nothing more is skipped
 * @returns the first number of an interval that is not empty; above `upTo` if all are
 */
export async function skipEmpty(
  from: number,
  upTo: number,
  isEmpty: (interval: NumberInterval) => Promise<boolean>,
): Promise<number> {
  let start = from;
  let asked = INTERVAL_NUMBERS;
  let isGrowing = true;
  while (start <= upTo) {
    const to = Math.min(start + asked - 1, upTo);
    const answer = await isEmpty({ from: start, to }).catch(() => 'unknown');
    // The interval itself is read next, and shows what is wrong.
    if (answer === 'unknown') return start;
    if (answer === true) start = to + 1;
    else if (asked === INTERVAL_NUMBERS) return start;
    else isGrowing = false;
    asked = isGrowing ? Math.min(asked * 2, MAX_ASKED) : Math.max(asked / 2, INTERVAL_NUMBERS);
  }
  return start;
}
