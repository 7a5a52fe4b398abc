import type { Fault, FaultCounts } from '#orders/fault-mix.js';
import type { OperationDocument } from '#orders/operation.js';
import type { Blame } from './blame.js';
import type { AlteredOrder, PhantomOrder } from './compare-block.js';

/** `holds`: nothing is lost, doubled or altered. `pending`: not yet, and nothing speaks against it. `broken`: something is. */
export type Verdict = 'holds' | 'pending' | 'broken';

/** The exit code of the command. */
export const EXIT_CODES: Readonly<Record<Verdict, number>> = { holds: 0, broken: 1, pending: 2 };

/** An order, or an extra record, that is missing, and why. */
export interface MissingRecord {
  readonly index: number;
  readonly number: number;
  readonly id: string;
  /** Of a record that was wrong on purpose. */
  readonly fault: Fault | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly blame: Blame;
  /** What shows it, where more is known. */
  readonly evidence?: string;
}

/** What reconciling an operation has found. Counts are of orders, by their index in the operation. */
export interface ReconcileReport {
  readonly operation: string;
  readonly kind: OperationDocument['kind'];
  readonly status: OperationDocument['status'];
  readonly verdict: Verdict;
  readonly count: number;
  readonly acked: number;
  /** Stored exactly as they were sent. */
  readonly saved: number;
  /** Among the dead letters, pending or being redriven, and not saved. */
  readonly deadLettered: number;
  /** Saved and among the dead letters as well: possible, when a record was sent twice; reported, and no loss. */
  readonly both: number;
  /** Dead letters that somebody discarded on purpose. */
  readonly discarded: number;
  /** Orders of an import that were there already, with the same content under another number. */
  readonly skipped: number;
  /** Acknowledged and on their way. */
  readonly pending: number;
  readonly missing: number;
  readonly doubled: number;
  readonly altered: number;
  readonly phantom: number;
  /** Saved, though their acknowledgement never came: sent when the producer was killed. No defect. */
  readonly savedUnacknowledged: number;
  /** Never acknowledged, and not counted as missing: the operation isn't done, or was cancelled. */
  readonly neverAcknowledged: number;
  /** Records wrong on purpose among the acknowledged, and how many of them are accounted for; `null` without a mix of faults. */
  readonly faults: { readonly expected: FaultCounts; readonly found: FaultCounts } | null;
  /** How many of each blame there are; the lists below hold the first of them. */
  readonly blames: Readonly<Partial<Record<Blame, number>>>;
  readonly missingRecords: readonly MissingRecord[];
  readonly alteredOrders: readonly AlteredOrder[];
  readonly phantomOrders: readonly PhantomOrder[];
  readonly readAt: string;
  readonly seconds: number;
  readonly ordersPerSecond: number;
}

const figure = (value: number): string => value.toLocaleString('en-US');

/** The report for people. */
export function textOf(report: ReconcileReport): string {
  const { operation, kind, status, acked, saved, deadLettered, both, discarded, skipped, pending, missing } = report;
  const row = (sign: string, value: number, what: string): string => `${sign} ${figure(value).padStart(12)}  ${what}`;
  const optional = (sign: string, value: number, what: string): string[] =>
    value === 0 ? [] : [row(sign, value, what)];
  return [
    `${kind} ${operation} (${status}): ${figure(acked)} of ${figure(report.count)} orders acknowledged`,
    row(' ', saved, 'saved, as they were sent'),
    row('+', deadLettered, 'pending among the dead letters'),
    ...optional('+', discarded, 'discarded dead letters'),
    ...optional('+', skipped, 'there before, with the same content'),
    ...optional('+', report.altered, 'altered'),
    ...optional('+', pending, 'on their way'),
    ...optional('+', missing, 'missing'),
    row('=', acked, 'acknowledged'),
    '',
    `doubled ${figure(report.doubled)}, altered ${figure(report.altered)}, phantom ${figure(report.phantom)}, missing ${figure(missing)}; saved and dead-lettered ${figure(both)}`,
    ...(report.savedUnacknowledged > 0
      ? [`saved without an acknowledgement (sent when the producer ended): ${figure(report.savedUnacknowledged)}`]
      : []),
    ...faultLines(report),
    ...detailLines(report),
    '',
    `${SENTENCES[report.verdict]} (${report.seconds} s, ${figure(report.ordersPerSecond)} orders/s)`,
  ].join('\n');
}

const SENTENCES: Readonly<Record<Verdict, string>> = {
  holds: 'It holds: every acknowledged order is saved or among the dead letters, none doubled, none altered.',
  pending: 'Work is pending: nothing is lost so far.',
  broken: 'It does not hold.',
};

function faultLines({ faults }: ReconcileReport): string[] {
  if (faults === null) return [];
  const { expected, found } = faults;
  return [
    `faults found of those sent: poison ${found.poison}/${expected.poison}, oversized ${found.oversized}/${expected.oversized}, conflict ${found.conflict}/${expected.conflict}; duplicate ${expected.duplicate}, harmless`,
  ];
}

function detailLines({ missingRecords, alteredOrders, phantomOrders, blames }: ReconcileReport): string[] {
  const total = Object.values(blames).reduce((sum, count) => sum + count, 0);
  return [
    ...Object.entries(blames).map(([blame, count]) => `${blame}: ${figure(count)}`),
    ...missingRecords.map(
      ({ index, number, id, fault, partition, offset, blame, evidence }) =>
        `  ${blame}: ${fault === null ? '' : `${fault} record, `}index ${index}, number ${number}, id ${id}, partition ${partition ?? '?'}, offset ${offset ?? '?'}${evidence === undefined ? '' : ` (${evidence})`}`,
    ),
    ...(total > missingRecords.length ? [`  … ${figure(total - missingRecords.length)} more`] : []),
    ...alteredOrders.map(({ index, id, fields }) => `  altered: index ${index}, id ${id}: ${fields.join(', ')}`),
    ...phantomOrders.map(({ id, number, reason }) => `  phantom: id ${id}, number ${number ?? '?'}: ${reason}`),
  ];
}
