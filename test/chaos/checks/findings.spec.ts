import { describe, expect, it } from '@jest/globals';
import type { OperationDocument } from '#orders/operation/operation.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { JudgedAttempts } from '../attempts/attempt-judge.js';
import type { HistoryEvent } from '../history/history.js';
import { togetherPlaces } from './cluster-findings.js';
import type { Evidence } from './evidence.js';
import { findingsOf } from './findings.js';
import type { Footprint } from './footprint.js';
import { KeyOrder } from './key-order.js';

const REPORT = {
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
} as unknown as ReconcileReport;

const made = (changed: object = {}): OperationDocument =>
  ({ _id: 'op-1', kind: 'populate', count: 50, seed: 1, ratePerSecond: null, ...changed }) as OperationDocument;

/** A report of an operation with invalid records. */
function wrong(found: { poison?: number; conflict?: number }, changed: Partial<ReconcileReport> = {}): ReconcileReport {
  const none = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };
  return { ...REPORT, faults: { expected: { ...none, ...found }, found: none }, ...changed };
}

const fault = (type: 'fault-begins' | 'fault-ends', place: number, at: number): HistoryEvent => ({
  type,
  place,
  at,
  kind: `kind-${place}`,
  subject: 'it',
});

const CALM: HistoryEvent[] = [
  fault('fault-begins', 0, 1_000),
  fault('fault-ends', 0, 2_000),
  { type: 'recovered', place: 0, at: 5_000, afterMs: 3_000 },
  { type: 'repeats', at: 9_000, saves: 5 },
  { type: 'read', at: 4_000, what: 'page', path: '/p', outcome: 'error', reason: 'status 503', tookMs: 9 },
  { type: 'populate', at: 1, key: 'a', count: 1, outcome: 'ok', operationId: 'op-1', reason: null, tookMs: 1 },
];

const ATTEMPTS: JudgedAttempts = {
  attempts: 1_100,
  inserts: 1_050,
  records: 1_000,
  ownerships: 3,
  members: 3,
  anomalies: 0,
  first: [],
  leaseEnds: [],
  repeatsAfterLease: 0,
};

const footprint = (name: string, changed: Partial<Footprint> = {}): Footprint => ({
  name,
  openFiles: 60,
  rssMiB: 150,
  handles: 20,
  ...changed,
});

function evidence(
  changed: Partial<Evidence> & { events?: HistoryEvent[]; lies?: number; ids?: number } = {},
): Evidence {
  const { events = CALM, lies = 0, ids = 10, ...rest } = changed;
  const history = {
    events,
    reads: { right: 30, absent: 5, error: 1, lie: lies },
    rightReads: { order: ids, page: 10, range: 10 },
    of: (type: string) => events.filter((event) => event.type === type),
    timeOf: (monotonic: number) => monotonic,
  } as unknown as Evidence['history'];
  return {
    history,
    reports: [REPORT],
    unreconciled: [],
    order: new KeyOrder(() => 'all'),
    watch: { seen: 1_000, others: [], brokenBy: null },
    attempts: ATTEMPTS,
    stored: 1_000,
    deadRecords: 0,
    repeatReadings: 1,
    accepted: new Map([['a', { id: 'op-1', body: { count: 50, seed: 1 } }]]),
    rejected: [],
    operations: [made()],
    wasUnderLoad: true,
    finalReads: { sent: 10, right: 10 },
    footprints: { calm: [footprint('producer')], after: [footprint('producer')] },
    left: [],
    ...rest,
  };
}

/** Names of the failed checks. */
function red(changed?: Parameters<typeof evidence>[0]): string[] {
  return findingsOf(evidence(changed))
    .filter(({ holds }) => !holds)
    .map(({ name }) => name);
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
const repeat = (at: number): HistoryEvent => ({ type: 'repeats', at, saves: 1 });

/** The footprints of a producer before and after a run. */
function holding(changed: Partial<Footprint>): Partial<Evidence> {
  return { footprints: { calm: [footprint('producer')], after: [footprint('producer-2', changed)] } };
}

const outOfOrder = new KeyOrder(() => 'all');
for (const offset of [2, 1])
  outOfOrder.note({ number: offset, accountId: 'a', operationId: 'op-1', partition: 0, offset });

describe('the checks of a fault run', () => {
  it('pass for a healthy run', () => {
    expect(red()).toEqual([]);
  });

  it.each<[string, Parameters<typeof evidence>[0], RegExp]>([
    ['an order is lost', { reports: [{ ...REPORT, verdict: 'broken', missing: 1 }] }, /^acknowledged = saved/],
    ['an operation is pending', { reports: [{ ...REPORT, verdict: 'pending' }] }, /^acknowledged = saved/],
    ['there is no operation', { reports: [] }, /^acknowledged = saved/],
    ['an operation has failed', { reports: [{ ...REPORT, status: 'failed' }] }, /^acknowledged = saved/],
    ['an order is not acknowledged', { reports: [{ ...REPORT, count: 1_001 }] }, /^acknowledged = saved/],
    ['a valid order is a dead letter', { reports: [{ ...REPORT, deadLettered: 1 }] }, /^acknowledged = saved/],
    ['an order is both saved and a dead letter', { reports: [{ ...REPORT, both: 1 }] }, /^acknowledged = saved/],
    ['valid records have dead letters', { deadRecords: 1 }, /^acknowledged = saved/],
    ['an invalid record has no dead letter', { reports: [wrong({ conflict: 1 })] }, /^acknowledged = saved/],
    ['a stored order belongs to no operation', { reports: [{ ...REPORT, saved: 999 }] }, /^acknowledged = saved/],
    ['an operation can not be reconciled', { unreconciled: ['op-2 (no)'] }, /^acknowledged = saved/],
    ['an order was inserted out of order', { order: outOfOrder }, /^each account's orders/],
    ['the watch missed an insert', { watch: { seen: 999, others: [], brokenBy: null } }, /^each account's orders/],
    ['the watch broke', { watch: { seen: 1_000, others: [], brokenBy: 'lost' } }, /^each account's orders/],
    ['an order was changed', { watch: { seen: 1_000, others: ['update'], brokenBy: null } }, /^each account's orders/],
    ['an attempt broke a promise', { attempts: { ...ATTEMPTS, anomalies: 1 } }, /^no attempt breaks/],
    ['no attempt was recorded', { attempts: { ...ATTEMPTS, attempts: 0 } }, /^no attempt breaks/],
    ['no insert was recorded', { attempts: { ...ATTEMPTS, inserts: 0 } }, /^no attempt breaks/],
    ['an order was stored without an attempt', { attempts: { ...ATTEMPTS, records: 999 } }, /^no attempt breaks/],
    ['a read returned a wrong answer', { lies: 1 }, /^no read returns/],
    ['no read by id ever found an order', { ids: 0 }, /^no read returns/],
    ['a read failed in a calm period', { events: [...CALM, failedRead(10_001)] }, /^no read returns/],
    ['a read that began in a calm period failed', { events: [...CALM, failedRead(10_050, 49)] }, /^no read returns/],
    ['no read was sent after the last recovery', { finalReads: { sent: 0, right: 0 } }, /^no read returns/],
    ['an order is not found after the last recovery', { finalReads: { sent: 10, right: 9 } }, /^no read returns/],
    ['a populate started two operations', { operations: [made(), made({ _id: 'op-2' })] }, /^a populate/],
    ['it made fewer orders than requested', { operations: [made({ count: 49 })] }, /^a populate/],
    ['an accepted operation is missing', { operations: [] }, /^a populate/],
    ['no producer accepted a populate', { rejected: ['b'] }, /^a populate/],
    ['too many saves were repeated', { events: [...CALM, { type: 'repeats', at: 3_000, saves: 3_000 }] }, /^few saves/],
    ['a lease ended in a calm period', { attempts: { ...ATTEMPTS, leaseEnds: [10_001] } }, /^few saves/],
    ['the repeated saves were never read', { repeatReadings: 0 }, /^few saves/],
    ['a save was repeated before the first fault', { events: [...CALM, repeat(900)] }, /^few saves/],
    ['a save was repeated long after the recovery', { events: [...CALM, repeat(10_001)] }, /^few saves/],
    ['files stay open', holding({ openFiles: 211 }), /^apps exit/],
    ['handles leak', holding({ handles: 221 }), /^apps exit/],
    ['memory grows', holding({ rssMiB: 451 }), /^apps exit/],
    ['handles are not reported', holding({ handles: null }), /^apps exit/],
    ['an app exited by itself', { events: [...CALM, ended(false, 'ended with SIGABRT')] }, /^apps exit/],
    ['an app failed to stop cleanly', { events: [...CALM, ended(true, 'ended with exit code 1')] }, /^apps exit/],
    ['an app does not run at the end', { footprints: { calm: [footprint('producer')], after: [] } }, /^apps exit/],
    ['the load ended before the faults', { wasUnderLoad: false }, /^the faults were injected/],
    ['a process survived the stop', { left: ['consumer-1'] }, /^apps exit/],
  ])('fail when %s', (_, changed, name) => {
    expect(red(changed)).toEqual([expect.stringMatching(name)]);
  });

  it('fail when the recovery came too late, or never', () => {
    const [begins, ends] = CALM as [HistoryEvent, HistoryEvent];
    const late: HistoryEvent = { type: 'recovered', place: 0, at: 40_000, afterMs: 30_001 };
    const never: HistoryEvent = { type: 'not-recovered', place: 0, at: 40_000, withinMs: 180_000, missing: ['all'] };
    expect(red({ events: [begins, ends, late] })).toEqual([expect.stringMatching(/^recovered within/)]);
    expect(red({ events: [begins, ends, never] })).toEqual([expect.stringMatching(/^recovered within/)]);
  });

  it('fail when a fault could not be injected', () => {
    const failed: HistoryEvent = { type: 'fault-failed', place: 1, at: 9_000, kind: 'kill-broker', reason: 'no' };
    expect(red({ events: [...CALM, failed] })).toEqual([expect.stringMatching(/^the faults were injected/)]);
  });

  it('recognise simultaneous faults by their overlap', () => {
    const events = [
      fault('fault-begins', 0, 1_000),
      fault('fault-begins', 1, 1_500),
      fault('fault-ends', 0, 2_000),
      fault('fault-ends', 1, 3_000),
      fault('fault-begins', 2, 9_000),
      fault('fault-ends', 2, 9_500),
    ];
    const of = ((type: string) => events.filter((event) => event.type === type)) as Evidence['history']['of'];
    expect([...togetherPlaces({ of })]).toEqual([0, 1]);
  });

  it('pass with one dead letter for each invalid record', () => {
    const reports = [wrong({ poison: 2, conflict: 1 }, { deadLettered: 2, saved: 998 })];
    const watch = { seen: 998, others: [], brokenBy: null };
    expect(red({ reports, deadRecords: 3, stored: 998, watch })).toEqual([]);
  });

  it('do not limit the repeats of orders whose consumer lost its lease, and limit all others', () => {
    const events: HistoryEvent[] = [...CALM, { type: 'repeats', at: 3_000, saves: 3_000 }];
    const attempts = { ...ATTEMPTS, leaseEnds: [2_500] };
    expect(red({ events, attempts: { ...attempts, repeatsAfterLease: 6 } })).toEqual([]);
    expect(red({ events, attempts: { ...attempts, repeatsAfterLease: 5 } })).toEqual([
      expect.stringMatching(/^few saves/),
    ]);
  });

  it('do not count a failed read that was sent before the calm period', () => {
    expect(red({ events: [...CALM, failedRead(10_001, 5_000)] })).toEqual([]);
  });

  it('allow an app to exit with code 1 during two faults, but not to crash', () => {
    const both = [
      fault('fault-begins', 0, 1_000),
      fault('fault-begins', 1, 1_500),
      fault('fault-ends', 0, 2_000),
      fault('fault-ends', 1, 2_500),
    ];
    const events = [...both, { type: 'recovered', place: 1, at: 5_000, afterMs: 2_500 } as const];
    expect(red({ events: [...events, ended(false, 'ended with exit code 1')] })).toEqual([]);
    expect(red({ events: [...events, ended(true, 'was stopped, and ended with SIGKILL')] })).toEqual([]);
    expect(red({ events: [...events, ended(false, 'ended with SIGABRT')] })).toEqual([
      expect.stringMatching(/^apps exit/),
    ]);
  });

  it('allow simultaneous faults 60 s to recover, and no more', () => {
    const both = [fault('fault-begins', 0, 1_000), fault('fault-begins', 1, 1_500), fault('fault-ends', 0, 2_000)];
    const after = (afterMs: number): HistoryEvent[] => [...both, { type: 'recovered', place: 1, at: 70_000, afterMs }];
    expect(red({ events: after(60_000) })).toEqual([]);
    expect(red({ events: after(60_001) })).toEqual([expect.stringMatching(/^recovered within/)]);
  });

  it('report faults without effect but do not count them, and omit the logs of servers that exited', () => {
    const idle: HistoryEvent = { type: 'fault-without-effect', place: 0, at: 2_000 };
    const died: HistoryEvent = { type: 'server-ended', at: 1_500, how: 'It ended. The last lines of its log:\n {}' };
    const findings = findingsOf(evidence({ events: [...CALM, idle, died] }));
    expect(findings.at(-1)).toMatchObject({
      holds: false,
      detail: expect.stringMatching(/^0 faults of 0 kinds; 1 more .*: 1 servers \(It ended\.\)/),
    });
  });
});
