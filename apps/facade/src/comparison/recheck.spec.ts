import { describe, expect, it } from '@jest/globals';
import type { Difference } from './differences.js';
import { recheck } from './recheck.js';

const PRICE: Difference = { path: '7.price', legacy: '1', new: '2' };
const missing = (number: number): Difference => ({ path: String(number), legacy: '{}' });

/** Returns what each round finds; the last one for ever. */
function rounds(...found: readonly (readonly Difference[])[]) {
  let round = -1;
  return async () => found[Math.min((round += 1), found.length - 1)] ?? [];
}

describe('the re-check of a difference', () => {
  it('finds that a write explains it: an order was missing, and is there', async () => {
    expect(await recheck([missing(7)], rounds([]))).toEqual({ verdict: 'equal' });
  });

  it('confirms a difference that is there again, and only that one', async () => {
    const found = await recheck([PRICE, missing(8)], rounds([PRICE, missing(9)]));
    expect(found).toEqual({ verdict: 'differs', differences: [PRICE] });
    expect(await recheck([missing(8)], rounds([missing(8)]))).toMatchObject({ verdict: 'differs' });
  });

  it('does not confirm orders that are missing one after another while writes go on', async () => {
    const writing = rounds([missing(8)], [missing(9)], [missing(10)], [missing(11)], []);
    expect(await recheck([missing(7)], writing)).toEqual({ verdict: 'undecided' });
  });

  it('confirms what is missing in a later round, once it stays', async () => {
    const found = await recheck([missing(7)], rounds([missing(8)], [missing(9)], [missing(9), missing(10)]));
    expect(found).toEqual({ verdict: 'differs', differences: [missing(9)] });
  });

  it('reports a field that has another value each time: no order ever changes', async () => {
    const changing = [3, 4, 5, 6].map((value) => [{ ...PRICE, legacy: String(value) }]);
    expect(await recheck([PRICE], rounds(...changing))).toEqual({
      verdict: 'differs',
      differences: [expect.objectContaining({ path: '7.price', legacy: '6', code: 'changes-between-reads' })],
    });
  });

  it('reports what passes without a write: a field that differed once, an answer that was HTML once', async () => {
    const html: Difference = { path: 'answer', code: 'html', detail: 'is HTML' };
    expect(await recheck([PRICE, missing(8)], rounds([]))).toEqual({
      verdict: 'passed',
      differences: [expect.objectContaining({ path: '7.price', code: 'changes-between-reads' })],
    });
    expect(await recheck([html], rounds([]))).toEqual({ verdict: 'passed', differences: [html] });
  });
});
