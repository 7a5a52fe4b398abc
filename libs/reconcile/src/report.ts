import type { Fault, FaultCounts } from '#orders/operation/fault-mix.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import type { MissingReason } from './missing-reason.js';
import type { AlteredOrder, PhantomOrder } from './compare-block.js';

/** `holds`: no order is lost, duplicated or altered. `pending`: no defect so far, but work is unfinished. `broken`: a defect. */
export type Verdict = 'holds' | 'pending' | 'broken';

/** A missing order or extra record, and the cause. */
export interface MissingRecord {
  readonly index: number;
  readonly number: number;
  /** `null` if it is not known any more: the order is in a settled block of an import or an intake. */
  readonly id: string | null;
  /** The injected fault of the record, if any. */
  readonly fault: Fault | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly blame: MissingReason;
  /** The evidence for `blame`, if there is any. */
  readonly evidence?: string;
}

/** A settled block whose stored orders are not those that were verified before its bookkeeping was removed. */
export interface DifferingBlock {
  /** The lowest and the highest order number of the block. */
  readonly first: number;
  readonly last: number;
  /** Orders that were saved when the block was verified, and that are found now. */
  readonly verified: number;
  readonly found: number;
  readonly verifiedAt: string;
}

/** The result of reconciling an operation. Counts are numbers of orders, by their index in the operation. */
export interface ReconcileReport {
  readonly operation: string;
  readonly kind: OperationDocument['kind'];
  readonly status: OperationDocument['status'];
  readonly verdict: Verdict;
  readonly count: number;
  readonly acked: number;
  /** Stored exactly as sent. */
  readonly saved: number;
  /** Saved, and moved to archives: not compared here. Whether the archives are intact is checked if their folder is given. */
  readonly archived: number;
  /** Not saved, with a dead letter that is pending or being redriven. */
  readonly deadLettered: number;
  /** Both saved and dead-lettered: possible if a record was sent twice. Reported, but not a loss. */
  readonly both: number;
  /** Dead letters that were discarded explicitly. */
  readonly discarded: number;
  /** Orders of an import that existed already, with the same content and another number. */
  readonly skipped: number;
  /** Acknowledged, but not saved or projected yet. */
  readonly pending: number;
  readonly missing: number;
  readonly doubled: number;
  readonly altered: number;
  readonly phantom: number;
  /** Saved without an acknowledgement, since the producer was killed after sending them. Not a defect. */
  readonly savedUnacknowledged: number;
  /** Of the acknowledged orders, those in settled blocks: they were compared by the digest of their block. */
  readonly settled: number;
  /** Never acknowledged, since the operation is unfinished or was cancelled; not counted as missing. */
  readonly neverAcknowledged: number;
  /** Injected faults among the acknowledged records, and how many of them were found; `null` without a fault mix. */
  readonly faults: { readonly expected: FaultCounts; readonly found: FaultCounts } | null;
  /** Number of records by cause; the lists below contain the first ones. */
  readonly blames: Readonly<Partial<Record<MissingReason, number>>>;
  readonly missingRecords: readonly MissingRecord[];
  readonly alteredOrders: readonly AlteredOrder[];
  readonly phantomOrders: readonly PhantomOrder[];
  /** Settled blocks that differ from what was verified. The lists above name their orders where these can be known. */
  readonly differingBlocks: readonly DifferingBlock[];
  /** What is wrong with archives of the operation. */
  readonly archiveProblems: readonly string[];
  readonly readAt: string;
  readonly seconds: number;
  readonly ordersPerSecond: number;
}

const figure = (value: number): string => value.toLocaleString('en-US');

/** Formats the report as text. */
export function formatReport(report: ReconcileReport): string {
  const { operation, kind, status, acked, saved, archived, deadLettered, both, discarded } = report;
  const { skipped, pending, missing } = report;
  const row = (sign: string, value: number, what: string): string => `${sign} ${figure(value).padStart(12)}  ${what}`;
  const optional = (sign: string, value: number, what: string): string[] =>
    value === 0 ? [] : [row(sign, value, what)];
  return [
    `${kind} ${operation} (${status}): ${figure(acked)} of ${figure(report.count)} orders acknowledged`,
    row(' ', saved, 'saved exactly as sent'),
    ...optional('+', archived, 'archived'),
    row('+', deadLettered, 'pending dead letters'),
    ...optional('+', discarded, 'discarded dead letters'),
    ...optional('+', skipped, 'stored before with the same content'),
    ...optional('+', report.altered, 'altered'),
    ...optional('+', pending, 'not saved yet'),
    ...optional('+', missing, 'missing'),
    row('=', acked, 'acknowledged'),
    '',
    `doubled ${figure(report.doubled)}, altered ${figure(report.altered)}, phantom ${figure(report.phantom)}, missing ${figure(missing)}; saved and dead-lettered ${figure(both)}`,
    ...(report.savedUnacknowledged > 0
      ? [`saved without an acknowledgement (sent when the producer ended): ${figure(report.savedUnacknowledged)}`]
      : []),
    ...(report.settled > 0 ? [`compared by the digests of settled blocks: ${figure(report.settled)}`] : []),
    ...report.archiveProblems,
    ...faultLines(report),
    ...detailLines(report),
    '',
    `${SENTENCES[report.verdict]} (${report.seconds} s, ${figure(report.ordersPerSecond)} orders/s)`,
  ].join('\n');
}

const SENTENCES: Readonly<Record<Verdict, string>> = {
  holds: 'It holds: every acknowledged order is saved or dead-lettered, and none is duplicated or altered.',
  pending: 'Work is pending: nothing is lost so far.',
  broken: 'It does not hold: see the defects above.',
};

function faultLines({ faults }: ReconcileReport): string[] {
  if (faults === null) return [];
  const { expected, found } = faults;
  return [
    `faults found of those sent: poison ${found.poison}/${expected.poison}, oversized ${found.oversized}/${expected.oversized}, conflict ${found.conflict}/${expected.conflict}; duplicate ${expected.duplicate}, harmless`,
  ];
}

function detailLines(report: ReconcileReport): string[] {
  const { missingRecords, alteredOrders, phantomOrders, differingBlocks, blames } = report;
  const total = Object.values(blames).reduce((sum, count) => sum + count, 0);
  return [
    ...Object.entries(blames).map(([blame, count]) => `${blame}: ${figure(count)}`),
    ...missingRecords.map(
      ({ index, number, id, fault, partition, offset, blame, evidence }) =>
        `  ${blame}: ${fault === null ? '' : `${fault} record, `}index ${index}, number ${number}, id ${id ?? '?'}, partition ${partition ?? '?'}, offset ${offset ?? '?'}${evidence === undefined ? '' : ` (${evidence})`}`,
    ),
    ...(total > missingRecords.length ? [`  … ${figure(total - missingRecords.length)} more`] : []),
    ...alteredOrders.map(({ index, id, fields }) => `  altered: index ${index}, id ${id}: ${fields.join(', ')}`),
    ...phantomOrders.map(({ id, number, reason }) => `  phantom: id ${id}, number ${number ?? '?'}: ${reason}`),
    ...differingBlocks.map(
      ({ first, last, verified, found, verifiedAt }) =>
        `  differs from what was verified at ${verifiedAt}: numbers ${first} to ${last}, ${figure(found)} orders found, ${figure(verified)} verified`,
    ),
  ];
}
