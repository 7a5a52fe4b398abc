import type { SideName } from './side.js';

/** Why a side gave no answer. The codes are stable. */
export type AwayReason = 'time-out' | 'no-connection' | 'breaker-open' | 'overloaded' | 'bad-answer';

/** Thrown when a side gave no usable answer. */
export class SideAwayError extends Error {
  override readonly name = 'SideAwayError';

  constructor(
    readonly side: SideName,
    readonly reason: AwayReason,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${publicText(side, reason)}: ${detail}`, options);
  }

  /** Whether a request was sent: its outcome is then unknown. */
  get wasAsked(): boolean {
    return this.reason !== 'breaker-open' && this.reason !== 'overloaded';
  }

  /** The message for clients, without what it shows of the network. */
  get publicMessage(): string {
    return publicText(this.side, this.reason);
  }

  /** Stable: `legacy-away` or `new-away`. */
  get code(): `${SideName}-away` {
    return `${this.side}-away`;
  }
}

function publicText(side: SideName, reason: AwayReason): string {
  return `the ${side === 'legacy' ? 'legacy system' : 'new side'} gave no answer (${reason})`;
}
