import type { FacadeFailure } from '../../history/history.js';
import { POSITIONS, type Column } from '../journey/columns.js';
import type { Target } from '../faults/migration-fault.js';

/** A part of a run, in ms since it began. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** One injected fault, from its beginning to the recovery. */
export interface FaultWindow extends Interval {
  readonly column: Column;
  readonly kind: string;
  readonly target: Target;
  /** The only facade that the fault affects directly. */
  readonly facade?: string;
}

/** A failure with the time at which its client learned of it, in ms since the run began. */
export type TimedFailure = FacadeFailure & { readonly at: number };

/** The codes of docs/facade.md. */
/** The default of `INTENT_MAX_AGE_MS`: from then on, writes do not wait for a side that only follows. */
const BEHIND_AFTER_MS = 10_000;
const WAITS = ['handing-over', 'still-open', 'outcome-unknown'];
const SIDE_AWAY = [...WAITS, 'legacy-away', 'new-away'];
const DATABASE_AWAY = [...SIDE_AWAY, 'state-unknown', 'database-away'];

/** Returns whether a fault allows a failure, or a change of stage without a fault, during which a write may wait for too long. */
export function isAllowedBy(
  failure: TimedFailure,
  windows: readonly FaultWindow[],
  moves: readonly Interval[],
): boolean {
  const began = failure.at - failure.tookMs;
  const overlaps = ({ from, to }: Interval): boolean => from <= failure.at && began <= to;
  return (
    windows.some((window) => overlaps(window) && isAllowed(failure, window)) ||
    moves.some((move) => overlaps(move) && isCode(failure.status, failure.code, ['handing-over']))
  );
}

function isAllowed({ what, facade, status, code, at }: TimedFailure, window: FaultWindow): boolean {
  const { column, target, from } = window;
  if (column.to !== undefined && isCode(status, code, ['handing-over'])) return true;
  if (isCode(status, code, ['writes-behind'])) return at - from >= BEHIND_AFTER_MS;
  if (target === 'facade') {
    const isOwn = facade === window.facade;
    // A facade that is killed or hangs does not answer; one that knows its state too late answers what it may.
    if (status === null) return isOwn && /^(kill|pause)-/.test(window.kind);
    // The other facade waits for what the affected one has begun.
    return isCode(status, code, isOwn ? DATABASE_AWAY : WAITS);
  }
  if (target === 'mongodb') return needsMongodb(what, column) && isCode(status, code, DATABASE_AWAY);
  if (!answeringSides(what, column).has(target)) return false;
  return isCode(status, code, SIDE_AWAY);
}

function isCode(status: number | null, code: string | null, codes: readonly string[]): boolean {
  return status === 503 && code !== null && codes.includes(code);
}

function positionsOf({ at, to }: Column) {
  return to === undefined ? [POSITIONS[at]] : [POSITIONS[at], POSITIONS[to]];
}

/** Returns the sides whose absence a client may notice in a column. */
function answeringSides(what: FacadeFailure['what'], column: Column): ReadonlySet<Target> {
  const sides = new Set<Target>();
  for (const position of positionsOf(column)) {
    const { stage, percent } = what === 'write' ? position.writes : position.reads;
    const isNew = stage === 'live' || stage === 'complete';
    sides.add(isNew ? 'new' : 'legacy');
    if (isNew && percent < 100) sides.add('legacy');
  }
  return sides;
}

/** Writes in `off`, and reads of the legacy system while writes are not live, go on without MongoDB. */
function needsMongodb(what: FacadeFailure['what'], column: Column): boolean {
  const positions = positionsOf(column);
  if (what === 'write') return positions.some(({ writes }) => writes.stage !== 'off');
  return positions.some(({ writes, reads }) =>
    [writes.stage, reads.stage].some((stage) => stage === 'live' || stage === 'complete'),
  );
}
