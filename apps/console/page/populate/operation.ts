/** What the page needs of an operation, as the producer tells it. */
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

/** Whether anything of it can still change. */
export function isGoingOn({ status, acked, saved, deadLettered, discarded }: Operation): boolean {
  if (status === 'running' || status === 'paused') return true;
  return (saved ?? 0) + (deadLettered ?? 0) + (discarded ?? 0) < acked;
}
