import { describe, expect, it } from '@jest/globals';
import type { OperationDocument } from '#orders/operation.js';
import type { ReconcileReport } from '#reconcile/report.js';
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

/** As many wrong records as there are. */
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
  } as unknown as Evidence['history'];
  return {
    history,
    reports: [REPORT],
    unreconciled: [],
    order: new KeyOrder(() => 'all'),
    watch: { seen: 1_000, others: [], brokenBy: null },
    stored: 1_000,
    letters: 0,
    repeatLooks: 1,
    taken: new Map([['a', { id: 'op-1', body: { count: 50, seed: 1 } }]]),
    refused: [],
    operations: [made()],
    wasUnderLoad: true,
    healed: { asked: 10, right: 10 },
    footprints: { calm: [footprint('producer')], after: [footprint('producer')] },
    left: [],
    ...rest,
  };
}

/** Names of those that don't hold. */
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

/** A producer that holds so much after a run. */
function holding(changed: Partial<Footprint>): Partial<Evidence> {
  return { footprints: { calm: [footprint('producer')], after: [footprint('producer-2', changed)] } };
}

const outOfOrder = new KeyOrder(() => 'all');
for (const offset of [2, 1])
  outOfOrder.note({ number: offset, accountId: 'a', operationId: 'op-1', partition: 0, offset });

describe('what a run of faults has shown', () => {
  it('holds when all is well', () => {
    expect(red()).toEqual([]);
  });

  it.each<[string, Parameters<typeof evidence>[0], RegExp]>([
    ['an order is lost', { reports: [{ ...REPORT, verdict: 'broken', missing: 1 }] }, /^acknowledged = saved/],
    ['an operation is not done with', { reports: [{ ...REPORT, verdict: 'pending' }] }, /^acknowledged = saved/],
    ['there was nothing to lose', { reports: [] }, /^acknowledged = saved/],
    ['an operation has failed', { reports: [{ ...REPORT, status: 'failed' }] }, /^acknowledged = saved/],
    ['not all of one is acknowledged', { reports: [{ ...REPORT, count: 1_001 }] }, /^acknowledged = saved/],
    ['a good order is a dead letter', { reports: [{ ...REPORT, deadLettered: 1 }] }, /^acknowledged = saved/],
    ['one is saved as well', { reports: [{ ...REPORT, both: 1 }] }, /^acknowledged = saved/],
    ['there are dead letters of good ones', { letters: 1 }, /^acknowledged = saved/],
    ['a wrong record is nowhere', { reports: [wrong({ conflict: 1 })] }, /^acknowledged = saved/],
    ['there are orders that no operation has', { reports: [{ ...REPORT, saved: 999 }] }, /^acknowledged = saved/],
    ['one can not be reconciled', { unreconciled: ['op-2 (no)'] }, /^acknowledged = saved/],
    ['an order came in before its turn', { order: outOfOrder }, /^an account's orders/],
    ['not every insert was seen', { watch: { seen: 999, others: [], brokenBy: null } }, /^an account's orders/],
    ['the watching broke off', { watch: { seen: 1_000, others: [], brokenBy: 'lost' } }, /^an account's orders/],
    ['an order was changed', { watch: { seen: 1_000, others: ['update'], brokenBy: null } }, /^an account's orders/],
    ['a read lied', { lies: 1 }, /^no read lies/],
    ['nothing was ever found by an id', { ids: 0 }, /^no read lies/],
    ['a read failed when nothing had', { events: [...CALM, failedRead(10_001)] }, /^no read lies/],
    ['it failed in a second while nothing had', { events: [...CALM, failedRead(10_050, 49)] }, /^no read lies/],
    ['nobody was asked when all was over', { healed: { asked: 0, right: 0 } }, /^no read lies/],
    ['an order is not found when all is over', { healed: { asked: 10, right: 9 } }, /^no read lies/],
    ['a populate made two operations', { operations: [made(), made({ _id: 'op-2' })] }, /^a populate/],
    ['it made fewer than were asked for', { operations: [made({ count: 49 })] }, /^a populate/],
    ['an operation is gone that was taken', { operations: [] }, /^a populate/],
    ['nobody takes a populate', { refused: ['b'] }, /^a populate/],
    ['saves were done twice', { events: [...CALM, { type: 'repeats', at: 3_000, saves: 3_000 }] }, /^few saves/],
    ['nobody tells what was', { repeatLooks: 0 }, /^few saves/],
    ['one was done twice when nothing failed', { events: [...CALM, repeat(900)] }, /^few saves/],
    ['one was done twice long after', { events: [...CALM, repeat(10_001)] }, /^few saves/],
    ['files stay open', holding({ openFiles: 211 }), /^apps end/],
    ['timers go on', holding({ handles: 221 }), /^apps end/],
    ['memory grows', holding({ rssMiB: 451 }), /^apps end/],
    ['handles are not told', holding({ handles: null }), /^apps end/],
    ['an app ended by itself', { events: [...CALM, ended(false, 'ended with SIGABRT')] }, /^apps end/],
    ['one did not end well', { events: [...CALM, ended(true, 'ended with exit code 1')] }, /^apps end/],
    ['one is not there when all is over', { footprints: { calm: [footprint('producer')], after: [] } }, /^apps end/],
    ['the load was over before the faults', { wasUnderLoad: false }, /^the faults were done/],
    ['a process ran on', { left: ['consumer-1'] }, /^apps end/],
  ])('does not hold when %s', (_, changed, name) => {
    expect(red(changed)).toEqual([expect.stringMatching(name)]);
  });

  it('does not hold when it came back too late, or not at all', () => {
    const [begins, ends] = CALM as [HistoryEvent, HistoryEvent];
    const late: HistoryEvent = { type: 'recovered', place: 0, at: 40_000, afterMs: 30_001 };
    const never: HistoryEvent = { type: 'not-recovered', place: 0, at: 40_000, withinMs: 180_000, missing: ['all'] };
    expect(red({ events: [begins, ends, late] })).toEqual([expect.stringMatching(/^recovered within/)]);
    expect(red({ events: [begins, ends, never] })).toEqual([expect.stringMatching(/^recovered within/)]);
  });

  it('does not hold when a fault could not be done: then less was tried than is told', () => {
    const failed: HistoryEvent = { type: 'fault-failed', place: 1, at: 9_000, kind: 'kill-broker', reason: 'no' };
    expect(red({ events: [...CALM, failed] })).toEqual([expect.stringMatching(/^the faults were done/)]);
  });

  it('gives faults that come together the time that they take', () => {
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

  it('holds with as many dead letters as records were made wrong', () => {
    const reports = [wrong({ poison: 2, conflict: 1 }, { deadLettered: 2, saved: 998 })];
    const watch = { seen: 998, others: [], brokenBy: null };
    expect(red({ reports, letters: 3, stored: 998, watch })).toEqual([]);
  });

  it('takes no read for failed in calm that was asked before', () => {
    expect(red({ events: [...CALM, failedRead(10_001, 5_000)] })).toEqual([]);
  });

  it('allows an app to give up while two faults stand, and not to crash', () => {
    const both = [
      fault('fault-begins', 0, 1_000),
      fault('fault-begins', 1, 1_500),
      fault('fault-ends', 0, 2_000),
      fault('fault-ends', 1, 2_500),
    ];
    const events = [...both, { type: 'recovered', place: 1, at: 5_000, afterMs: 2_500 } as const];
    expect(red({ events: [...events, ended(false, 'ended with exit code 1')] })).toEqual([]);
    expect(red({ events: [...events, ended(true, 'was told to end, and ended with SIGKILL')] })).toEqual([]);
    expect(red({ events: [...events, ended(false, 'ended with SIGABRT')] })).toEqual([
      expect.stringMatching(/^apps end/),
    ]);
  });

  it('gives those that come together a minute to be recovered from, and no more', () => {
    const both = [fault('fault-begins', 0, 1_000), fault('fault-begins', 1, 1_500), fault('fault-ends', 0, 2_000)];
    const after = (afterMs: number): HistoryEvent[] => [...both, { type: 'recovered', place: 1, at: 70_000, afterMs }];
    expect(red({ events: after(60_000) })).toEqual([]);
    expect(red({ events: after(60_001) })).toEqual([expect.stringMatching(/^recovered within/)]);
  });

  it('says which faults nobody has noticed, and does not count them; of servers that ended it tells no logs', () => {
    const idle: HistoryEvent = { type: 'fault-without-effect', place: 0, at: 2_000 };
    const died: HistoryEvent = { type: 'server-ended', at: 1_500, how: 'It ended. The last lines of its log:\n {}' };
    const findings = findingsOf(evidence({ events: [...CALM, idle, died] }));
    expect(findings.at(-1)).toMatchObject({
      holds: false,
      detail: expect.stringMatching(/^0 faults of 0 kinds; 1 more .*: 1 servers \(It ended\.\)/),
    });
  });
});
