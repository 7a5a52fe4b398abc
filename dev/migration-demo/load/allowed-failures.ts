import type { FailedRequest } from './request-log.js';

/** A time in which a process that answers, or that writes have to reach, was away. Times are milliseconds since 1970. */
export interface AwayTime {
  readonly side: 'legacy' | 'new';
  /** What was done, such as `the legacy system was killed`. */
  readonly what: string;
  readonly from: number;
  /** When it had caught up again; `Infinity` before that. */
  readonly to: number;
}

/** A failed request, and the reason for which the contract allows it. */
export interface JudgedFailure extends FailedRequest {
  /** `undefined`: it is not allowed. */
  readonly allowedBecause: string | undefined;
}

/** The sides whose absence explains each code. Any other code is not allowed. */
const SIDES_OF_CODE: Readonly<Record<string, readonly AwayTime['side'][]>> = {
  'legacy-away': ['legacy'],
  'new-away': ['new'],
  // These wait for open writes, and a write is open as long as either side is away.
  'still-open': ['legacy', 'new'],
  'handing-over': ['legacy', 'new'],
  'writes-behind': ['legacy', 'new'],
};

/** Judges failed requests by the contract: only while the answering side is away. The demo never takes MongoDB away. */
export function judgeFailures(failed: readonly FailedRequest[], away: readonly AwayTime[]): readonly JudgedFailure[] {
  return failed.map((failure) => {
    const sides = sidesOf(failure);
    const cause = away.find(({ side, from, to }) => sides.includes(side) && failure.to >= from && failure.from <= to);
    return { ...failure, allowedBecause: cause?.what };
  });
}

function sidesOf({ code, message }: FailedRequest): readonly AwayTime['side'][] {
  if (code !== 'outcome-unknown') return SIDES_OF_CODE[code] ?? [];
  const [, side] = /\bthe (legacy|new) side\b/.exec(message) ?? [];
  return side === 'legacy' || side === 'new' ? [side] : [];
}
