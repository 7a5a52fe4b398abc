import { drawsOf } from './draws.js';

/**
 * What a record may have wrong on purpose, for whoever tests the pipeline.
 * - `poison`: can't be decoded; it takes an order's place
 * - `oversized`: can be decoded, but is over the consumer's size limit, and under the broker's; it takes an order's place
 * - `duplicate`: an order's record a second time: an extra record, harmless
 * - `conflict`: a record with an order's id and number and another content: an extra record
 * All but `duplicate` become dead letters.
 */
export const FAULTS = ['poison', 'oversized', 'duplicate', 'conflict'] as const;
export type Fault = (typeof FAULTS)[number];

/** The fraction of orders that each fault strikes, 0 to 1. `poison` and `oversized` together are at most 1. */
export type FaultMix = Readonly<Record<Fault, number>>;

/** How many records of each fault there are. */
export type FaultCounts = Readonly<Record<Fault, number>>;

/** What is wrong at one index. */
export interface IndexFaults {
  /** What stands there instead of the order; `undefined`: the order does. */
  readonly instead: 'poison' | 'oversized' | undefined;
  /** What follows the order; only where the order itself stands. */
  readonly extras: readonly ('duplicate' | 'conflict')[];
}

const NOTHING_WRONG: IndexFaults = { instead: undefined, extras: [] };

// Draws of their own, beside those of the order's fields (generator.ts): the orders of a seed are the same with and without faults.
const INSTEAD = 101;
const DUPLICATE = 102;
const CONFLICT = 103;
const RESOLUTION = 2 ** 32;

/**
 * Where the faults of a mix are: a pure function of (seed, index), as the orders are, so that they are known in advance and
 * found again by whoever checks.
 */
export function faultsOf(seed: number, mix: FaultMix | null | undefined): (index: number) => IndexFaults {
  if (!mix || FAULTS.every((fault) => mix[fault] === 0)) return () => NOTHING_WRONG;
  const draw = drawsOf(seed);
  const strikes = (field: number, index: number, fraction: number): boolean =>
    draw(field, index, RESOLUTION) < fraction * RESOLUTION;
  return (index) => {
    if (strikes(INSTEAD, index, mix.poison)) return { instead: 'poison', extras: [] };
    if (strikes(INSTEAD, index, mix.poison + mix.oversized)) return { instead: 'oversized', extras: [] };
    const extras: ('duplicate' | 'conflict')[] = [];
    if (strikes(DUPLICATE, index, mix.duplicate)) extras.push('duplicate');
    if (strikes(CONFLICT, index, mix.conflict)) extras.push('conflict');
    return extras.length === 0 ? NOTHING_WRONG : { instead: undefined, extras };
  };
}
