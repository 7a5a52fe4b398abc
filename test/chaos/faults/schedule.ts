import { createDraws } from '#orders/generator/draws.js';
import type { Draw, FaultKind } from './fault.js';

/** A planned fault. The plan depends only on the seed and the kinds, not on the course of the run. */
export interface PlannedFault {
  /** Its place in the schedule, from 0. */
  readonly place: number;
  readonly kind: FaultKind;
  readonly lastsMs: number;
  /** Draws for the fault itself. */
  readonly draw: Draw;
  /** Whether it begins while the previous fault lasts. */
  readonly isTogether: boolean;
}

// Each of these numbers selects an independent sequence of draws.
const ORDER = 1;
const LASTS = 2;
const TOGETHER = 3;
const OWN = 100;

/** On average, one fault of this many is simultaneous with the previous one. */
const TOGETHER_ONE_OF = 4;

/** Generates an endless schedule: every kind once per round, in a new order each round. */
export function* schedule(seed: number, kinds: readonly FaultKind[]): Generator<PlannedFault> {
  if (kinds.length === 0) throw new RangeError('there is no kind of fault to choose from');
  const draws = createDraws(seed);
  for (let round = 0; ; round += 1) {
    const shuffled = kinds
      .map((kind, at) => ({ kind, key: draws(ORDER, round * kinds.length + at, 2 ** 31) }))
      .toSorted((a, b) => a.key - b.key);
    for (const [at, { kind }] of shuffled.entries()) {
      const place = round * kinds.length + at;
      const [least, most] = kind.lastsMs;
      let drawn = 0;
      yield {
        place,
        kind,
        lastsMs: least + draws(LASTS, place, most - least + 1),
        isTogether: place > 0 && draws(TOGETHER, place, TOGETHER_ONE_OF) === 0,
        draw: (below) => draws(OWN + drawn++, place, below),
      };
    }
  }
}
