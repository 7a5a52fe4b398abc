import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { CLIMB, RandomWalk } from '../testing/random-walk.js';

const WALK_MS = 10_000;
const { MODEL_RUNS = '25' } = process.env;
/** A defect that needs a rare course of events is found by a long run: `MODEL_RUNS=1000`. */
const RUNS = MODEL_RUNS === 'all' ? 45 : Number(MODEL_RUNS);

describe('random walks over stages, faults, crashes and clients', () => {
  it('lose, double and reorder nothing, and each client reads its own writes', async () => {
    const total = { acknowledged: 0, reads: 0, changes: 0 };
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.nat(CLIMB.length), async (seed, height) => {
        const { defects, ...counts } = await new RandomWalk(seed, height, WALK_MS).run();
        expect(defects).toEqual([]);
        for (const name of ['acknowledged', 'reads', 'changes'] as const) total[name] += counts[name];
      }),
      // From each stage at least once, whatever the seeds.
      {
        numRuns: RUNS,
        endOnFailure: true,
        examples: [...CLIMB.keys(), CLIMB.length].map((height) => [height + 1, height]),
      },
    );
    // A walk that does nothing proves nothing.
    expect(Math.min(...Object.values(total))).toBeGreaterThan(RUNS);
  });
});
