import { drawsOf } from '#orders/draws.js';
import type { Draw, FaultKind } from './fault.js';

/** A fault as it is planned: the same for the same seed and kinds, whatever the run makes of it. */
export interface PlannedFault {
  /** Its place in the schedule, from 0. */
  readonly place: number;
  readonly kind: FaultKind;
  readonly lastsMs: number;
  /** For what the fault itself has to draw. */
  readonly draw: Draw;
  /** It begins while the one before it lasts. */
  readonly isTogether: boolean;
}

// One independent draw for each of these: the field of the hash names it.
const ORDER = 1;
const LASTS = 2;
const TOGETHER = 3;
const OWN = 100;

/** One of so many comes together with the one before. */
const TOGETHER_ONE_OF = 4;

/** Without end: every kind once, in an order of its own, and again. */
export function* schedule(seed: number, kinds: readonly FaultKind[]): Generator<PlannedFault> {
  if (kinds.length === 0) throw new RangeError('there is no kind of fault to choose from');
  const draws = drawsOf(seed);
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
