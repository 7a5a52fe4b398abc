import type { Rehearsal } from './rehearsal.js';
import { REDRIVEN } from './sent-orders.js';

/** A property that a rehearsal must have, and whether it has it. */
export interface Verdict {
  readonly what: string;
  readonly found: string;
  readonly holds: boolean;
}

/** The contract: restore and replay of a million orders within five minutes. */
const MOST_SECONDS_PER_MILLION = 300;

export function verdictsOf(rehearsal: Rehearsal): Verdict[] {
  const { comparison, report, sent, nextNumber, reconciled, watermark } = rehearsal;
  const { lost, doubled, foreign, counterLow } = comparison;
  const lostIds = report.lostOperations.map(({ id }) => id);
  const pausedIds = report.pausedOperations.map(({ id }) => id);
  const seconds = rehearsal.restoreSeconds + rehearsal.replaySeconds;
  return [
    none('orders lost', lost),
    none('orders doubled', doubled),
    none('stored orders that differ from their record', foreign),
    {
      what: 'the list of lost operations is right',
      found: `${lostIds.length} of ${sent.lost.length}`,
      holds: sameIds(lostIds, sent.lost),
    },
    {
      what: 'the list of paused operations is right',
      found: `${pausedIds.length} of 2`,
      holds: sameIds(pausedIds, [sent.running, sent.cancelled]),
    },
    {
      what: 'the list of dead letters that were sent again is right',
      found: `${report.redrivenLetters.length} of ${REDRIVEN}`,
      holds: report.redrivenLetters.length === REDRIVEN,
    },
    {
      what: 'new order numbers are above all earlier ones',
      found: `they go on at ${nextNumber}`,
      holds: nextNumber >= report.numbers.next && !counterLow,
    },
    {
      what: 'every operation reconciles',
      found: reconciled.broken.length === 0 ? `${reconciled.count} operations` : reconciled.broken.join('; '),
      holds: reconciled.broken.length === 0,
    },
    {
      what: 'the watermark passes every order number',
      found: `${watermark[0]} of ${watermark[1]}`,
      holds: watermark[0] >= watermark[1],
    },
    {
      what: 'restore and replay take at most 5 minutes for a million orders',
      found: `${seconds.toFixed(1)} s`,
      holds: seconds <= MOST_SECONDS_PER_MILLION,
    },
  ];
}

function none(what: string, count: number): Verdict {
  return { what, found: String(count), holds: count === 0 };
}

function sameIds(found: readonly string[], wanted: readonly string[]): boolean {
  return JSON.stringify(found.toSorted()) === JSON.stringify(wanted.toSorted());
}
