import type { SideName } from './side.js';

/** Why a side gave no answer. The codes are stable. */
export type AwayReason = 'time-out' | 'no-connection' | 'breaker-open' | 'overloaded' | 'bad-answer';

/** Thrown when a side gave no usable answer. Whether it has executed the request is unknown, except for `breaker-open` and `overloaded`. */
export class SideAwayError extends Error {
  override readonly name = 'SideAwayError';

  constructor(
    readonly side: SideName,
    readonly reason: AwayReason,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`the ${side === 'legacy' ? 'legacy system' : 'new side'} gave no answer (${reason}): ${detail}`, options);
  }

  /** Stable: `legacy-away` or `new-away`. */
  get code(): `${SideName}-away` {
    return `${this.side}-away`;
  }
}
