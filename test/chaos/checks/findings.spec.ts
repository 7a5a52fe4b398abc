import { describe, expect, it } from '@jest/globals';
import type { ReconcileReport } from '#reconcile/report.js';
import type { HistoryEvent } from '../history/history.js';
import { findingsOf, togetherPlaces, type Evidence } from './findings.js';
import type { Footprint } from './footprint.js';
import { KeyOrder } from './key-order.js';

const REPORT = {
  operation: 'op-1',
  verdict: 'holds',
  acked: 1_000,
  missing: 0,
  doubled: 0,
  altered: 0,
  phantom: 0,
  pending: 0,
  deadLettered: 0,
} as unknown as ReconcileReport;

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
  { type: 'repeats', at: 24_000, saves: 5 },
  { type: 'populate', at: 1, key: 'a', count: 1, outcome: 'ok', operationId: 'op-1', reason: null, tookMs: 1 },
];

const footprint = (name: string, changed: Partial<Footprint> = {}): Footprint => ({
  name,
  openFiles: 60,
  rssMiB: 150,
  handles: 20,
  ...changed,
});

function evidence(changed: Partial<Evidence> & { events?: HistoryEvent[]; lies?: number } = {}): Evidence {
  const { events = CALM, lies = 0, ...rest } = changed;
  const history = {
    events,
    reads: { right: 10, error: 1, lie: lies },
    of: (type: string) => events.filter((event) => event.type === type),
  } as unknown as Evidence['history'];
  return {
    history,
    reports: [REPORT],
    order: new KeyOrder(() => 'all'),
    watch: { seen: 1_000, others: [], brokenBy: null },
    stored: 1_000,
    taken: new Map([['a', 'op-1']]),
    operations: [{ _id: 'op-1' }],
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
    ['an order came in before its turn', { order: outOfOrder }, /^an account's orders/],
    ['not every insert was seen', { watch: { seen: 999, others: [], brokenBy: null } }, /^an account's orders/],
    ['the watching broke off', { watch: { seen: 1_000, others: [], brokenBy: 'lost' } }, /^an account's orders/],
    ['an order was changed', { watch: { seen: 1_000, others: ['update'], brokenBy: null } }, /^an account's orders/],
    ['a read lied', { lies: 1 }, /^no read lies/],
    ['a populate made two operations', { operations: [{ _id: 'op-1' }, { _id: 'op-2' }] }, /^a populate/],
    ['an operation is gone that was taken', { operations: [] }, /^a populate/],
    ['saves were done twice', { events: [...CALM, { type: 'repeats', at: 3_000, saves: 10 }] }, /^few saves/],
    ['one was done twice when nothing failed', { events: [...CALM, repeat(900)] }, /^few saves/],
    ['one was done twice long after', { events: [...CALM, repeat(25_001)] }, /^few saves/],
    ['files stay open', holding({ openFiles: 211 }), /^nothing is left/],
    ['timers go on', holding({ handles: 221 }), /^nothing is left/],
    ['memory grows', holding({ rssMiB: 451 }), /^nothing is left/],
    ['a process ran on', { left: ['consumer-1'] }, /^nothing is left/],
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
});
