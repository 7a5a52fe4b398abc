/** Draws the next pseudo-random integer from 0 to `below` - 1. */
export type Draw = (below: number) => number;

/** Draws one of several. */
export function oneOf<T>(all: readonly T[], draw: Draw): T {
  const one = all[draw(all.length)];
  if (one === undefined) throw new RangeError('there is nothing to choose from');
  return one;
}
