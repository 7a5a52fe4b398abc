import { describe, expect, it } from '@jest/globals';
import type { ReconcileReport } from '#reconcile/report.js';
import type { JudgedAttempts } from '../attempts/attempt-judge.js';
import type { HistoryEvent } from '../history.js';
import { aFault, aFootprint, aHistory, aKeyOrder, anEvidence, aPopulate, aReport, CALM } from './an-evidence.js';
import type { Evidence, Footprint } from './evidence.js';
import { findingsOf, togetherPlaces } from './findings.js';

/** Returns the beginnings of the names of the failed checks. */
function failed(change: Partial<Evidence>): string[] {
  return findingsOf(anEvidence(change)).flatMap(({ name, holds }) => (holds ? [] : [name.slice(0, 12)]));
}

const report = (change: Partial<ReconcileReport>) => ({ reports: [aReport(change)] });
const attempts = (change: Partial<JudgedAttempts>) => ({ attempts: { ...anEvidence().attempts, ...change } });
const holding = (change: Partial<Footprint>) => ({
  footprints: { calm: [aFootprint()], after: [aFootprint({ name: 'producer-2', ...change })] },
});
const watched = (change: Partial<Evidence['watch']>) => ({
  watch: { seen: 1_000, others: [], brokenBy: null, ...change },
});
const during = (...events: HistoryEvent[]) => ({ history: aHistory([...CALM, ...events]) });

/** A report of an operation with invalid records. */
function wrong(found: { poison?: number; conflict?: number }, change: Partial<ReconcileReport> = {}) {
  const none = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };
  return report({ faults: { expected: { ...none, ...found }, found: none }, ...change });
}

const failedRead = (at: number, tookMs = 0): HistoryEvent => ({
  type: 'read',
  at,
  what: 'order',
  path: '/o',
  outcome: 'error',
  reason: 'status 503',
  tookMs,
});
const ended = (wasTold: boolean, how: string): HistoryEvent => ({
  type: 'app-ended',
  at: 3_000,
  name: 'producer',
  how,
  wasTold,
});
const repeats = (at: number, saves = 1): HistoryEvent => ({ type: 'repeats', at, saves });
const recovered = (place: number, afterMs: number): HistoryEvent => ({ type: 'recovered', place, at: 70_000, afterMs });
const NEVER: HistoryEvent = { type: 'not-recovered', place: 0, at: 40_000, withinMs: 180_000, missing: ['all'] };
const NOT_INJECTED: HistoryEvent = { type: 'fault-failed', place: 1, at: 9_000, kind: 'kill-broker', reason: 'no' };
const WITHOUT_EFFECT: HistoryEvent = { type: 'fault-without-effect', place: 0, at: 2_000 };
const ONE = [aFault('fault-begins', 0, 1_000), aFault('fault-ends', 0, 2_000)];
const TWO = [
  aFault('fault-begins', 0, 1_000),
  aFault('fault-begins', 1, 1_500),
  aFault('fault-ends', 0, 2_000),
  aFault('fault-ends', 1, 3_000),
];
const only = (...events: HistoryEvent[]) => ({ history: aHistory(events) });
const MANY_REPEATS = during(repeats(3_000, 3_000));

describe('the checks of a fault run', () => {
  it.each<[string, Partial<Evidence>]>([
    ['all went well', {}],
    [
      'each invalid record has one dead letter',
      {
        ...wrong({ poison: 2, conflict: 1 }, { deadLettered: 2, saved: 998 }),
        ...watched({ seen: 998 }),
        deadRecords: 3,
        stored: 998,
      },
    ],
    [
      'only the repeats after a lease are too many',
      { ...MANY_REPEATS, ...attempts({ leaseEnds: [2_500], repeatsAfterLease: 6 }) },
    ],
    ['a read that was sent before the calm period failed in it', during(failedRead(10_001, 5_000))],
    [
      'an app exited with code 1 during two faults',
      only(...TWO, ended(false, 'ended with exit code 1'), recovered(1, 2_500)),
    ],
    [
      'an app had to be killed during two faults',
      only(...TWO, ended(true, 'was stopped, and ended with SIGKILL'), recovered(1, 2_500)),
    ],
    ['two faults took a minute to recover', only(...TWO, recovered(1, 60_000))],
  ])('pass when %s', (_, change) => {
    expect(failed(change)).toEqual([]);
  });

  it.each<[string, string, Partial<Evidence>]>([
    ['acknowledged', 'an order is lost', report({ verdict: 'broken', missing: 1 })],
    ['acknowledged', 'an operation is pending', report({ verdict: 'pending' })],
    ['acknowledged', 'there is no operation', { reports: [] }],
    ['acknowledged', 'an operation has failed', report({ status: 'failed' })],
    ['acknowledged', 'an order is not acknowledged', report({ count: 1_001 })],
    ['acknowledged', 'a valid order is a dead letter', report({ deadLettered: 1 })],
    ['acknowledged', 'an order is both saved and a dead letter', report({ both: 1 })],
    ['acknowledged', 'valid records have dead letters', { deadRecords: 1 }],
    ['acknowledged', 'an invalid record has no dead letter', wrong({ conflict: 1 })],
    ['acknowledged', 'a stored order belongs to no operation', report({ saved: 999 })],
    ['acknowledged', 'an operation can not be reconciled', { unreconciled: ['op-2 (no)'] }],
    ['each account', 'an order was inserted out of order', { order: aKeyOrder(2, 1) }],
    ['each account', 'the watch missed an insert', watched({ seen: 999 })],
    ['each account', 'the watch broke', watched({ brokenBy: 'lost' })],
    ['each account', 'an order was changed', watched({ others: ['update'] })],
    ['no attempt', 'an attempt broke a promise', attempts({ anomalies: 1 })],
    ['no attempt', 'no attempt was recorded', attempts({ attempts: 0 })],
    ['no attempt', 'no insert was recorded', attempts({ inserts: 0 })],
    ['no attempt', 'an order was stored without an attempt', attempts({ records: 999 })],
    ['no read', 'a read returned a wrong answer', { history: aHistory(CALM, 1) }],
    ['no read', 'no read by id ever found an order', { history: aHistory(CALM, 0, 0) }],
    ['no read', 'a read failed in a calm period', during(failedRead(10_001))],
    ['no read', 'a read that began in a calm period failed', during(failedRead(10_050, 49))],
    ['no read', 'no read was sent after the last recovery', { finalReads: { sent: 0, right: 0 } }],
    ['no read', 'an order is not found after the last recovery', { finalReads: { sent: 10, right: 9 } }],
    ['a populate', 'a populate started two operations', { operations: [aPopulate(), aPopulate({ _id: 'op-2' })] }],
    ['a populate', 'it made fewer orders than requested', { operations: [aPopulate({ count: 49 })] }],
    ['a populate', 'an accepted operation is missing', { operations: [] }],
    ['a populate', 'no producer accepted a populate', { rejected: ['b'] }],
    ['few saves', 'too many saves were repeated', MANY_REPEATS],
    [
      'few saves',
      'too many others than those after a lease',
      { ...MANY_REPEATS, ...attempts({ leaseEnds: [2_500], repeatsAfterLease: 5 }) },
    ],
    ['few saves', 'a lease ended in a calm period', attempts({ leaseEnds: [10_001] })],
    ['few saves', 'the repeated saves were never read', { repeatReadings: 0 }],
    ['few saves', 'a save was repeated before the first fault', during(repeats(900))],
    ['few saves', 'a save was repeated long after the recovery', during(repeats(10_001))],
    ['apps exit', 'files stay open', holding({ openFiles: 211 })],
    ['apps exit', 'handles leak', holding({ handles: 221 })],
    ['apps exit', 'memory grows', holding({ rssMiB: 451 })],
    ['apps exit', 'handles are not reported', holding({ handles: null })],
    ['apps exit', 'an app exited by itself', during(ended(false, 'ended with SIGABRT'))],
    ['apps exit', 'an app failed to stop cleanly', during(ended(true, 'ended with exit code 1'))],
    [
      'apps exit',
      'an app crashed during two faults',
      only(...TWO, ended(false, 'ended with SIGABRT'), recovered(1, 2_500)),
    ],
    ['apps exit', 'an app does not run at the end', { footprints: { calm: [aFootprint()], after: [] } }],
    ['apps exit', 'a process survived the stop', { left: ['consumer-1'] }],
    ['the faults', 'the load ended before the faults', { wasUnderLoad: false }],
    ['the faults', 'a fault could not be injected', during(NOT_INJECTED)],
    ['the faults', 'no fault had an effect', during(WITHOUT_EFFECT)],
    ['recovered', 'a recovery came too late', only(...ONE, recovered(0, 30_001))],
    ['recovered', 'there was no recovery', only(...ONE, NEVER)],
    ['recovered', 'two faults took longer than a minute to recover', only(...TWO, recovered(1, 60_001))],
  ])('%s … fails when %s', (check, _, change) => {
    expect(failed(change)).toEqual([expect.stringMatching(`^${check}`)]);
  });

  it('recognise simultaneous faults by their overlap', () => {
    const later = [aFault('fault-begins', 2, 9_000), aFault('fault-ends', 2, 9_500)];
    expect([...togetherPlaces(aHistory([...TWO, ...later]))]).toEqual([0, 1]);
  });
});
