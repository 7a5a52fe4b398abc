import { createDraws } from './seeded-random.js';

/**
 * The faults that a populate operation can inject, to test the pipeline.
 * - `poison`: a record that can not be decoded; it replaces an order
 * - `oversized`: a decodable record above the consumer's size limit and below the broker's; it replaces an order
 * - `duplicate`: an extra, harmless copy of an order's record
 * - `conflict`: an extra record with an order's id and number, and different content
 * All but `duplicate` become dead letters.
 */
export const FAULTS = ['poison', 'oversized', 'duplicate', 'conflict'] as const;
export type Fault = (typeof FAULTS)[number];

/** The fraction of orders that each fault affects, 0 to 1. `poison` and `oversized` together are at most 1. */
export type FaultMix = Readonly<Record<Fault, number>>;

/** The number of records with each fault. */
export type FaultCounts = Readonly<Record<Fault, number>>;

/** The faults at one index. */
export interface IndexFaults {
  /** The fault that replaces the order; `undefined` if the order itself is sent. */
  readonly instead: 'poison' | 'oversized' | undefined;
  /** The extra records after the order; empty if the order is replaced. */
  readonly extras: readonly ('duplicate' | 'conflict')[];
}

const NO_FAULTS: IndexFaults = { instead: undefined, extras: [] };

// Separate draws from those of the order's fields (generator.ts): a seed gives the same orders with and without faults.
const REPLACEMENT = 101;
const DUPLICATE = 102;
const CONFLICT = 103;
const RESOLUTION = 2 ** 32;

/**
 * Locates the faults of a mix. Like the orders, they are a pure function of (seed, index): they are known in advance, and a
 * verifier can compute them again.
 */
export function locateFaults(seed: number, mix: FaultMix | null | undefined): (index: number) => IndexFaults {
  if (!mix || FAULTS.every((fault) => mix[fault] === 0)) return () => NO_FAULTS;
  const draw = createDraws(seed);
  const strikes = (field: number, index: number, fraction: number): boolean =>
    draw(field, index, RESOLUTION) < fraction * RESOLUTION;
  return (index) => {
    if (strikes(REPLACEMENT, index, mix.poison)) return { instead: 'poison', extras: [] };
    if (strikes(REPLACEMENT, index, mix.poison + mix.oversized)) return { instead: 'oversized', extras: [] };
    const extras: ('duplicate' | 'conflict')[] = [];
    if (strikes(DUPLICATE, index, mix.duplicate)) extras.push('duplicate');
    if (strikes(CONFLICT, index, mix.conflict)) extras.push('conflict');
    return extras.length === 0 ? NO_FAULTS : { instead: undefined, extras };
  };
}
