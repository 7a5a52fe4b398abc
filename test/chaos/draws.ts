import { createDraws } from '#orders/generator/seeded-random.js';
import type { Draw } from '../../dev/migration-journey/stored-orders.js';

// Each number selects an independent sequence of draws; those of places begin here.
const OF_PLACE = 100;

/** Returns the sequence of draws of a place, such as that of a fault in its schedule. */
export function drawsAt(seed: number, place: number): Draw {
  const draws = createDraws(seed);
  let drawn = 0;
  return (below) => draws(OF_PLACE + drawn++, place, below);
}

/** Returns items in an order that the seed draws. @param order below 100; another order is independent of it @param first index of the first draw */
export function shuffled<T>(items: readonly T[], seed: number, order: number, first = 0): T[] {
  const draws = createDraws(seed);
  return items
    .map((item, at) => ({ item, key: draws(order, first + at, 2 ** 31) }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
