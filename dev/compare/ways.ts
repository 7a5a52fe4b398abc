import { DEFAULT_PARTITIONS } from '#orders/topics.js';
import type { Ordering } from '#parallel-consumer/window/scheduler.js';

/** One way to save the orders. */
export interface Way {
  /** As `--only` takes it, and the reports name it. */
  readonly name: string;
  /** As people read it; the same for all numbers of consumers. */
  readonly label: string;
  readonly ordering: Ordering;
  /** Processes. */
  readonly consumers: number;
  /** Orders in the save at once, at the most: of one consumer, and of all of them together. */
  readonly inFlight: number;
}

const CONSUMERS = [1, 2, 4];

/** All ways to save so many orders, in the order in which they are measured: those with the same settings in a row, by the number of consumers. */
export function waysFor(orders: number): Way[] {
  const several = (name: string, { label, ordering, inFlight }: Omit<Way, 'name' | 'consumers'>): Way[] =>
    CONSUMERS.map((consumers) => ({ name: `${name}-${consumers}`, label, ordering, consumers, inFlight }));
  return [
    { name: ONE_AFTER_ANOTHER, label: 'one after another', ordering: 'key', consumers: 1, inFlight: 1 },
    ...several('per-partition', {
      label: 'one at a time per partition',
      ordering: 'partition',
      inFlight: DEFAULT_PARTITIONS,
    }),
    ...several('by-key', { label: 'in flight, in order per account', ordering: 'key', inFlight: orders }),
    ...several('unordered', { label: 'in flight, without order', ordering: 'unordered', inFlight: orders }),
  ];
}

/** What all others are held against. */
export const ONE_AFTER_ANOTHER = 'one-after-another';

/** The names that `--only` takes, beside those of several ways: what stands before their last dash. */
export const WAY_NAMES: readonly string[] = waysFor(1).map(({ name }) => name);
