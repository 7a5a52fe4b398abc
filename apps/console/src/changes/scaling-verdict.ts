import type { ObservationWindow } from './observation-window.js';

/** What limits the throughput of the pipeline. */
export type Bound = 'partitions' | 'keys' | 'cpu' | 'database';

export interface ScalingVerdict {
  /** `unknown`: no verdict is possible; `text` says why. */
  readonly outcome: 'faster' | 'no-gain' | 'slower' | 'unknown';
  /** Saved per second after the change, divided by before; `null`: unknown. */
  readonly factor: number | null;
  /** What limits the throughput when a change did not help, or helped less than it could. */
  readonly bound: Bound | null;
  readonly text: string;
}

/** Factors below this can be chance. */
const NOTABLE = 1.1;
/** In CPU cores; a consumer works on one thread. */
const BUSY_CORE = 0.85;
const BUSY_MACHINE = 0.9;
/** When there is enough work, a consumer that uses less than this share of its in-flight limit waits for its keys. */
const FULL = 0.8;

/**
 * Judges a change of the number of consumers or of the in-flight limit by some seconds before and after it.
 * @param after a window in which there was enough work
 */
export function scalingVerdict(before: ObservationWindow | undefined, after: ObservationWindow): ScalingVerdict {
  if (before === undefined || !isComparable(before)) return verdictWithoutBasis(before);
  const factor = after.savedPerSecond / before.savedPerSecond;
  const times = `x${factor.toFixed(factor < 10 ? 2 : 0)}`;
  const isAuto = before.isAuto || after.isAuto;
  const possible = isAuto ? after.consumers / before.consumers : after.inFlightLimit / before.inFlightLimit;
  if (possible < 1) return verdictOnReduction(factor, times);
  const bound = factor < possible / NOTABLE ? findBound(after) : null;
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

/** Judges a change to fewer consumers or a lower in-flight limit, which is expected to be slower. */
function verdictOnReduction(factor: number, times: string): ScalingVerdict {
  if (factor >= NOTABLE) return { outcome: 'faster', factor, bound: null, text: `${times}, faster with less capacity` };
  if (factor < 1 / NOTABLE)
    return { outcome: 'slower', factor, bound: null, text: `${times}, slower, as expected with less capacity` };
  return { outcome: 'no-gain', factor, bound: null, text: `${times}, as fast as before with less capacity` };
}

const NAMES: Readonly<Record<Bound, string>> = {
  partitions: 'partitions: there are more consumers than partitions',
  keys: 'keys: too few are active, and each key is saved in order',
  cpu: 'CPU',
  database: 'the database: each save takes longer now',
};

/** Returns the first limit that applies; the database is the one left when nothing else explains it. */
function findBound({ consumers, partitions, used, consumerCores, machineLoad }: ObservationWindow): Bound {
  if (consumers > partitions) return 'partitions';
  if (consumerCores >= BUSY_CORE || machineLoad >= BUSY_MACHINE) return 'cpu';
  return used < FULL ? 'keys' : 'database';
}

/** Returns whether a change can be compared with this window before it. */
export function isComparable({ hadWork, savedPerSecond }: ObservationWindow): boolean {
  return hadWork && savedPerSecond > 0;
}

/** Returns why a window before a change can't be compared with. @param before `undefined`: nothing was observed */
export function verdictWithoutBasis(before: ObservationWindow | undefined): ScalingVerdict {
  if (before === undefined) return noVerdict('no verdict: the configuration before ran too short to be compared with');
  return noVerdict('no verdict: before the change there was too little to save; populate first');
}

/** @param text why no verdict is possible */
export function noVerdict(text: string): ScalingVerdict {
  return { outcome: 'unknown', factor: null, bound: null, text };
}
