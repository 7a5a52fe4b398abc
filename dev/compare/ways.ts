import { DEFAULT_PARTITIONS } from '#orders/topics/topics.js';
import type { Ordering } from '@orders-pipeline/parallel-consumer';

/** One way to save the orders. */
export interface Way {
  /** The name for `--only` and in the reports. */
  readonly name: string;
  /** The displayed name; the same for all numbers of consumers. */
  readonly label: string;
  readonly ordering: Ordering;
  /** The number of processes. */
  readonly consumers: number;
  /** The maximum number of orders saved at once: per consumer, and by all consumers together. */
  readonly inFlight: number;
}

const CONSUMERS = [1, 2, 4];

/** Returns all ways for this many orders, in the order of measurement: grouped by settings, by ascending number of consumers. */
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

/** The baseline of the comparison. */
export const ONE_AFTER_ANOTHER = 'one-after-another';

/** The names that `--only` accepts. It also accepts the part before the last dash, for several ways. */
export const WAY_NAMES: readonly string[] = waysFor(1).map(({ name }) => name);
