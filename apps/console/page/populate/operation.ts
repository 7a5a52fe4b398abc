/** The fields of an operation that the page needs, as the producer returns them. */
export interface Operation {
  readonly id: string;
  readonly kind: 'populate' | 'import' | 'redrive';
  readonly status: 'running' | 'paused' | 'succeeded' | 'cancelled' | 'failed';
  readonly interruption: 'pause' | 'cancel' | null;
  readonly seed: number | null;
  readonly count: number | null;
  readonly firstNumber: number | null;
  readonly acked: number;
  readonly saved: number | null;
  readonly savedAsOf: string;
  readonly deadLettered: number | null;
  readonly discarded: number | null;
  readonly requestedAt: string;
  readonly etaSeconds: number | null;
  readonly waitingFor: 'consumers' | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly redrive: {
    readonly filter: { readonly id?: string; readonly errorCode?: string; readonly operationId?: string };
    readonly moved: number;
    readonly saved: number;
    readonly returned: number;
    readonly waiting: number;
    readonly missing: number;
    readonly unmovable: number;
  } | null;
}

/** Returns whether the operation or the saving of its orders is still in progress. */
export function isInProgress({ status, acked, saved, deadLettered, discarded }: Operation): boolean {
  if (status === 'running' || status === 'paused') return true;
  return (saved ?? 0) + (deadLettered ?? 0) + (discarded ?? 0) < acked;
}

/** Returns the state to show. An operation is never shown as done while its orders are still being saved. */
export function stateText(operation: Operation): string {
  const { status, interruption, acked, saved, redrive } = operation;
  if (interruption !== null) return interruption === 'pause' ? 'pausing' : 'cancelling';
  if (status !== 'succeeded') return status;
  // A redrive succeeds only when the outcome of each of its letters is known.
  if (redrive !== null || !isInProgress(operation)) return 'done';
  return `saving ${Math.floor((100 * (saved ?? 0)) / acked)} %`;
}
