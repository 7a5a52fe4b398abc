import type { SideName } from '../sides/side.js';

/** What was observed of a capability since its last change. */
export interface Figures {
  /** Compared answers. */
  readonly samples: number;
  /** Differences that remained after the re-check. */
  readonly mismatches: number;
  /** Requests to each side, and how many of them failed. */
  readonly requests: Readonly<Record<SideName, number>>;
  readonly failures: Readonly<Record<SideName, number>>;
  /** `null` without a request. */
  readonly p50Ms: Readonly<Record<SideName, number | null>>;
  readonly p99Ms: Readonly<Record<SideName, number | null>>;
}

/** The figures of a capability without a request. */
export const NO_FIGURES: Figures = {
  samples: 0,
  mismatches: 0,
  requests: { legacy: 0, new: 0 },
  failures: { legacy: 0, new: 0 },
  p50Ms: { legacy: null, new: null },
  p99Ms: { legacy: null, new: null },
};

/** Returns the share of failed requests of a side, 0 to 1; 0 without a request. */
export function errorRateOf({ requests, failures }: Figures, side: SideName): number {
  return requests[side] === 0 ? 0 : failures[side] / requests[side];
}
