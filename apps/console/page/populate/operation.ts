import { figure } from '../text/figures.js';

/** The fields of an operation that the page needs, as the producer returns them. */
export interface Operation {
  readonly id: string;
  readonly kind: 'populate' | 'import' | 'redrive';
  readonly status: 'running' | 'paused' | 'succeeded' | 'cancelled' | 'failed';
  readonly interruption: 'pause' | 'cancel' | null;
  readonly seed: number | null;
  /** `null` while an import reads its files. */
  readonly count: number | null;
  readonly firstNumber: number | null;
  readonly faults: FaultCounts | null;
  readonly ackedFaults: FaultCounts | null;
  readonly requestedRatePerSecond: number | null;
  readonly ackedNumbers: readonly { readonly from: number; readonly to: number }[];
  readonly acked: number;
  readonly saved: number | null;
  readonly savedAsOf: string;
  readonly deadLettered: number | null;
  readonly discarded: number | null;
  readonly requestedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly ratePerSecond: number | null;
  readonly etaSeconds: number | null;
  readonly waitingFor: 'consumers' | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly firstErrors:
    readonly { readonly index: number | null; readonly code: string; readonly message: string }[] | null;
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

interface FaultCounts {
  readonly poison: number;
  readonly oversized: number;
  readonly duplicate: number;
  readonly conflict: number;
}

/** How a state is coloured: `good` needs no attention, `warn` perhaps, `bad` does. */
export type Tone = 'busy' | 'good' | 'warn' | 'bad';

export interface State {
  readonly text: string;
  readonly tone: Tone;
}

/** Returns whether the operation or the saving of its orders is still in progress. */
export function isInProgress(operation: Operation): boolean {
  const { status, redrive } = operation;
  if (status === 'running' || status === 'paused') return true;
  // A redrive that ended has an outcome for each letter that was sent, unless it was cancelled meanwhile.
  return redrive === null ? settled(operation) < operation.acked : redrive.waiting > 0;
}

/** Returns the state to show. An operation is never shown as done while its orders are still being saved. */
export function stateOf(operation: Operation): State {
  const { status, interruption } = operation;
  if (interruption !== null) return { text: interruption === 'pause' ? 'pausing' : 'cancelling', tone: 'warn' };
  switch (status) {
    case 'running':
      return { text: runningText(operation), tone: 'busy' };
    case 'paused':
      return { text: 'paused', tone: 'warn' };
    case 'failed':
      return { text: 'failed', tone: 'bad' };
    case 'cancelled':
      return isInProgress(operation)
        ? { text: `cancelled, saving ${savedPercent(operation)} %`, tone: 'warn' }
        : { text: 'cancelled', tone: 'warn' };
    case 'succeeded':
      return isInProgress(operation)
        ? { text: `sent, saving ${savedPercent(operation)} %`, tone: 'busy' }
        : endState(operation);
  }
}

function runningText({ kind, count, acked }: Operation): string {
  if (kind === 'import' && count === null) return 'reading files';
  // Rounded down: at 100 % it would be sent.
  return count ? `sending ${Math.floor((100 * acked) / count)} %` : 'sending';
}

function endState({ acked, saved, redrive }: Operation): State {
  const done = redrive?.saved ?? saved ?? 0;
  // A letter that could not be sent again is not saved either.
  const all = redrive === null ? acked : redrive.moved + redrive.unmovable;
  if (all === 0) return { text: 'nothing to save', tone: 'good' };
  if (done >= all) return { text: 'all saved', tone: 'good' };
  return done === 0
    ? { text: 'none saved', tone: 'bad' }
    : { text: `${figure(done)} of ${figure(all)} saved`, tone: 'warn' };
}

function savedPercent({ acked, saved, redrive }: Operation): number {
  return Math.floor((100 * (redrive?.saved ?? saved ?? 0)) / Math.max(1, acked));
}

function settled({ saved, deadLettered, discarded }: Operation): number {
  return (saved ?? 0) + (deadLettered ?? 0) + (discarded ?? 0);
}

/** Seconds from the start until all records were in Kafka, or until `now` while it runs. `null` before the start. */
export function sendingSeconds({ startedAt, finishedAt }: Operation, now: number): number | null {
  if (startedAt === null) return null;
  return Math.max(0, (finishedAt === null ? now : Date.parse(finishedAt)) - Date.parse(startedAt)) / 1_000;
}

/**
 * Merges the newest page into the known operations, newest first. Operations below the page are kept as they were. When the page does not
 * overlap with the known ones, older ones could be missing between them, so the known ones are dropped.
 */
export function mergeNewest(known: readonly Operation[], page: readonly Operation[]): readonly Operation[] {
  const last = page.at(-1);
  // Ids are UUIDv7: they sort by the time of creation.
  const isJoined = last !== undefined && known.some(({ id }) => page.some((each) => each.id === id));
  return isJoined ? [...page, ...known.filter(({ id }) => id < last.id)] : page;
}
