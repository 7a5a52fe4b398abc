import { describe, expect, it } from '@jest/globals';
import type { OperationDocument } from '#orders/operation/operation.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { JudgedAttempts } from './attempts.js';
import type { HistoryEvent } from './history.js';
import { calmMsOf, calmOf, findingsOf, togetherPlaces, type Evidence, type Footprint } from './findings.js';
import { KeyOrder } from './inserts.js';

/** Returns the begin or the end of a fault. */
function aFault(type: 'fault-begins' | 'fault-ends', place: number, at: number): HistoryEvent {
  return { type, place, at, kind: `kind-${place}`, subject: 'it' };
}

/** Returns a history of these events, with 30 right reads of each kind. */
function aHistory(events: readonly HistoryEvent[], wrongReads = 0, readsById = 10): Evidence['history'] {
  return {
    events,
    reads: { right: 30, absent: 5, error: 1, wrong: wrongReads },
    rightReads: { order: readsById, page: 10, range: 10 },
    of: (type: string) => events.filter((event) => event.type === type),
    timeOf: (monotonic: number) => monotonic,
  } as unknown as Evidence['history'];
}

/** Returns the report of an operation whose 1,000 orders are saved. */
function aReport(change: Partial<ReconcileReport> = {}): ReconcileReport {
  return {
    operation: 'op-1',
    verdict: 'holds',
    status: 'succeeded',
    count: 1_000,
    acked: 1_000,
    faults: null,
    alteredOrders: [],
    missing: 0,
    doubled: 0,
    altered: 0,
    phantom: 0,
    pending: 0,
    deadLettered: 0,
    saved: 1_000,
    savedUnacknowledged: 0,
    both: 0,
    ...change,
  } as unknown as ReconcileReport;
}

/** Returns a populate of 50 orders, as it is stored. */
function aPopulate(change: object = {}): OperationDocument {
  return { _id: 'op-1', kind: 'populate', count: 50, seed: 1, ratePerSecond: null, ...change } as OperationDocument;
}

function aFootprint(change: Partial<Footprint> = {}): Footprint {
  return { name: 'producer', openFiles: 60, rssMiB: 150, handles: 20, ...change };
}

/** Returns the order of an account with these offsets, as they were inserted. */
function aKeyOrder(...offsets: number[]): KeyOrder {
  const order = new KeyOrder(() => 'all');
  for (const offset of offsets)
    order.note({ number: offset, accountId: 'a', operationId: 'op-1', partition: 0, offset });
  return order;
}

/** A fault with its recovery, and what may happen meanwhile. */
const CALM: readonly HistoryEvent[] = [
  aFault('fault-begins', 0, 1_000),
  aFault('fault-ends', 0, 2_000),
  { type: 'recovered', place: 0, at: 5_000, afterMs: 3_000 },
  { type: 'repeats', at: 9_000, saves: 5, sinceMs: 900 },
  { type: 'read', at: 4_000, what: 'page', path: '/p', outcome: 'error', reason: 'status 503', tookMs: 9 },
  { type: 'populate', at: 1, key: 'a', count: 1, outcome: 'ok', operationId: 'op-1', reason: null, tookMs: 1 },
];

/** Returns the evidence of a run in which all went well. */
function anEvidence(change: Partial<Evidence> = {}): Evidence {
  return {
    history: aHistory(CALM),
    reports: [aReport()],
    unreconciled: [],
    order: aKeyOrder(),
    watch: { seen: 1_000, others: [], interruptedBy: null },
    attempts: {
      attempts: 1_100,
      inserts: 1_050,
      records: 1_000,
      ownerships: 3,
      members: 3,
      anomalies: 0,
      first: [],
      leaseEnds: [],
      repeatsAfterLease: 0,
    },
    stored: 1_000,
    deadRecords: 0,
    repeatReadings: 1,
    accepted: new Map([['a', { id: 'op-1', body: { count: 50, seed: 1 } }]]),
    rejected: [],
    operations: [aPopulate()],
    wasUnderLoad: true,
    finalReads: { sent: 10, right: 10 },
    footprints: { calm: [aFootprint()], after: [aFootprint()] },
    left: [],
    ...change,
  };
}

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
  watch: { seen: 1_000, others: [], interruptedBy: null, ...change },
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
const ended = (wasRequested: boolean, how: string): HistoryEvent => ({
  type: 'app-ended',
  at: 3_000,
  name: 'producer',
  how,
  wasRequested,
});
const repeats = (at: number, saves = 1, sinceMs = 0): HistoryEvent => ({ type: 'repeats', at, saves, sinceMs });
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
    [
      'each of two faults repeats nearly what is in flight',
      only(
        aFault('fault-begins', 0, 1_000),
        aFault('fault-ends', 0, 2_000),
        repeats(2_500, 2_900),
        recovered(0, 1_500),
        aFault('fault-begins', 1, 30_000),
        aFault('fault-ends', 1, 31_000),
        repeats(31_500, 2_900),
        recovered(1, 1_000),
      ),
    ],
    [
      'two simultaneous faults repeat nearly twice what is in flight',
      only(...TWO, repeats(2_500, 5_900), recovered(1, 2_500)),
    ],
    ['a read that was sent before the calm period failed in it', during(failedRead(10_001, 5_000))],
    [
      'a consumer that did not answer before the calm period counted a repeated save',
      during(repeats(10_001, 1, 5_000)),
    ],
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
    ['each account', 'the watch broke', watched({ interruptedBy: 'lost' })],
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
      'too many saves were repeated during two faults',
      only(...TWO, repeats(2_500, 6_000), recovered(1, 2_500)),
    ],
    [
      'few saves',
      'too many others than those after a lease',
      { ...MANY_REPEATS, ...attempts({ leaseEnds: [2_500], repeatsAfterLease: 5 }) },
    ],
    ['few saves', 'a lease ended in a calm period', attempts({ leaseEnds: [10_001] })],
    ['few saves', 'the repeated saves were never read', { repeatReadings: 0 }],
    ['few saves', 'a save was repeated before the first fault', during(repeats(900))],
    ['few saves', 'a save was repeated long after the recovery', during(repeats(10_050, 1, 49))],
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

const begins = (place: number, at: number): HistoryEvent => aFault('fault-begins', place, at);
const recoveredAt = (place: number, at: number): HistoryEvent => ({ type: 'recovered', place, at, afterMs: 1_000 });
const sample = (at: number, acked: number, saved: number): HistoryEvent => ({
  type: 'sample',
  at,
  acked,
  saved,
});
const FIRST = [begins(0, 10_000), recoveredAt(0, 20_000)];
const SMALL_BACKLOG = [
  sample(20_000, 500, 0),
  sample(25_000, 900, 700),
  sample(28_500, 1_900, 899),
  sample(29_000, 2_000, 900),
];

describe('a run is calm', () => {
  it.each<[string, HistoryEvent[], number[], number[], number]>([
    [
      'before the first fault, and from 5 s after a recovery until the next fault',
      [...FIRST, begins(1, 28_000)],
      [9_999, 25_000, 27_999],
      [10_000, 24_999, 28_000],
      13_000,
    ],
    [
      'only 5 s after the orders acknowledged 5 s after the recovery are saved, also when the backlog is small',
      [...FIRST, ...SMALL_BACKLOG],
      [34_000],
      [25_000, 29_000, 33_999],
      10_000,
    ],
    [
      'never after a recovery whose backlog lasts until the next fault',
      [...FIRST, sample(26_000, 9_000, 0), begins(1, 28_000)],
      [],
      [25_000, 27_999, 40_000],
      10_000,
    ],
  ])('%s', (_, events, calm, notCalm, sumMs) => {
    const isCalm = calmOf(aHistory(events));
    expect(calm.filter((at) => !isCalm(at))).toEqual([]);
    expect(notCalm.filter((at) => isCalm(at))).toEqual([]);
    expect(calmMsOf(aHistory(events))).toBe(sumMs);
  });
});
