import type { ObservationWindow } from './observation-window.js';

/** What keeps a pipeline from being faster. */
export type Bound = 'partitions' | 'keys' | 'cpu' | 'database';

export interface ScalingVerdict {
  /** `unknown`: nothing can be told, and `text` says why. */
  readonly outcome: 'faster' | 'no-gain' | 'slower' | 'unknown';
  /** Saved per second after the change against before; `null`: unknown. */
  readonly factor: number | null;
  /** What keeps it from more, where a change that should have helped did not, or not by as much as it could. */
  readonly bound: Bound | null;
  readonly text: string;
}

/** Changes of less can be chance. */
const NOTABLE = 1.1;
/** A consumer's work is one thread's. */
const BUSY_CORE = 0.85;
const BUSY_MACHINE = 0.9;
/** With work enough, a window that isn't filled waits for its keys. */
const FULL = 0.8;

/** Judges a change of how many consumers there are, or of how much they may have in flight, by some seconds before and after it. */
export function scalingVerdict(before: ObservationWindow | undefined, after: ObservationWindow): ScalingVerdict {
  if (before === undefined) return unknown('Nobody looked before the change: there is nothing to compare with.');
  if (!before.hadWork) return unknown('There was too little to save before the change: nothing to compare with.');
  if (!after.hadWork) return unknown('There was too little left to save after the change.');
  if (before.savedPerSecond <= 0) return unknown('Nothing was saved before the change.');
  const factor = after.savedPerSecond / before.savedPerSecond;
  const times = `x${factor.toFixed(factor < 10 ? 2 : 0)}`;
  const isSearched = before.isSearched || after.isSearched;
  const could = isSearched ? after.consumers / before.consumers : after.inFlightLimit / before.inFlightLimit;
  if (could < 1) return ofLess(factor, times);
  const bound = factor < could / NOTABLE ? boundOf(after) : null;
  if (factor >= NOTABLE)
    return {
      outcome: 'faster',
      factor,
      bound,
      text: `${times}, helped${bound ? `; now bound by ${NAMES[bound]}` : ''}`,
    };
  const because = bound ? `: bound by ${NAMES[bound]}` : '';
  if (factor < 1 / NOTABLE) return { outcome: 'slower', factor, bound, text: `${times}, slower than before${because}` };
  return { outcome: 'no-gain', factor, bound, text: `${times}, no gain${because}` };
}

/** Of fewer consumers, or less in flight: that it is slower was to be expected. */
function ofLess(factor: number, times: string): ScalingVerdict {
  if (factor >= NOTABLE) return { outcome: 'faster', factor, bound: null, text: `${times}, faster with less` };
  if (factor < 1 / NOTABLE) return { outcome: 'slower', factor, bound: null, text: `${times}, slower, as less is` };
  return { outcome: 'no-gain', factor, bound: null, text: `${times}, as fast as before with less` };
}

const NAMES: Readonly<Record<Bound, string>> = {
  partitions: 'partitions: consumers beyond them are idle',
  keys: 'keys: too few are busy, and each is saved in order',
  cpu: 'CPU',
  database: 'the database: what is in flight takes longer now',
};

/** The first of them that shows, from what is certain to what is left over. */
function boundOf({ consumers, partitions, used, consumerCores, machineLoad }: ObservationWindow): Bound {
  if (consumers > partitions) return 'partitions';
  if (consumerCores >= BUSY_CORE || machineLoad >= BUSY_MACHINE) return 'cpu';
  return used < FULL ? 'keys' : 'database';
}

function unknown(text: string): ScalingVerdict {
  return { outcome: 'unknown', factor: null, bound: null, text };
}
