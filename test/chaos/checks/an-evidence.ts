import type { OperationDocument } from '#orders/operation/operation.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { HistoryEvent } from '../history.js';
import type { Evidence, Footprint } from './evidence.js';
import { KeyOrder } from './key-order.js';

/** Returns the begin or the end of a fault. */
export function aFault(type: 'fault-begins' | 'fault-ends', place: number, at: number): HistoryEvent {
  return { type, place, at, kind: `kind-${place}`, subject: 'it' };
}

/** Returns a history of these events, with 30 right reads of each kind. */
export function aHistory(events: readonly HistoryEvent[], lies = 0, readsById = 10): Evidence['history'] {
  return {
    events,
    reads: { right: 30, absent: 5, error: 1, lie: lies },
    rightReads: { order: readsById, page: 10, range: 10 },
    of: (type: string) => events.filter((event) => event.type === type),
    timeOf: (monotonic: number) => monotonic,
  } as unknown as Evidence['history'];
}

/** Returns the report of an operation whose 1,000 orders are saved. */
export function aReport(change: Partial<ReconcileReport> = {}): ReconcileReport {
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
export function aPopulate(change: object = {}): OperationDocument {
  return { _id: 'op-1', kind: 'populate', count: 50, seed: 1, ratePerSecond: null, ...change } as OperationDocument;
}

export function aFootprint(change: Partial<Footprint> = {}): Footprint {
  return { name: 'producer', openFiles: 60, rssMiB: 150, handles: 20, ...change };
}

/** Returns the order of an account with these offsets, as they were inserted. */
export function aKeyOrder(...offsets: number[]): KeyOrder {
  const order = new KeyOrder(() => 'all');
  for (const offset of offsets)
    order.note({ number: offset, accountId: 'a', operationId: 'op-1', partition: 0, offset });
  return order;
}

/** A fault with its recovery, and what may happen meanwhile. */
export const CALM: readonly HistoryEvent[] = [
  aFault('fault-begins', 0, 1_000),
  aFault('fault-ends', 0, 2_000),
  { type: 'recovered', place: 0, at: 5_000, afterMs: 3_000 },
  { type: 'repeats', at: 9_000, saves: 5 },
  { type: 'read', at: 4_000, what: 'page', path: '/p', outcome: 'error', reason: 'status 503', tookMs: 9 },
  { type: 'populate', at: 1, key: 'a', count: 1, outcome: 'ok', operationId: 'op-1', reason: null, tookMs: 1 },
];

/** Returns the evidence of a run in which all went well. */
export function anEvidence(change: Partial<Evidence> = {}): Evidence {
  return {
    history: aHistory(CALM),
    reports: [aReport()],
    unreconciled: [],
    order: aKeyOrder(),
    watch: { seen: 1_000, others: [], brokenBy: null },
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
