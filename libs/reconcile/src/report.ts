import { type Fault, type FaultCounts, FAULTS } from '#orders/generator/fault-mix.js';
import { FULL_BLOCK_ORDERS, type OperationDocument } from '#orders/operation/operation.js';
import type { MissingReason } from './record-positions.js';
import type { AlteredOrder, PhantomOrder } from './compare-block.js';

/** `holds`: ok, no order is lost, duplicated or altered. `pending`: no mismatch so far, but work is unfinished. `broken`: a mismatch. */
export type Verdict = 'holds' | 'pending' | 'broken';

/** A missing order or extra record, and the cause. */
export interface MissingRecord {
  readonly index: number;
  readonly number: number;
  /** `null` if it is not known any more: the order is in a verified block of an import or an intake. */
  readonly id: string | null;
  /** The injected fault of the record, if any. */
  readonly fault: Fault | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly blame: MissingReason;
  /** The evidence for `blame`, if there is any. */
  readonly evidence?: string;
}

/** A verified block whose stored orders no longer match the digest that replaced its processing metadata. */
interface DifferingBlock {
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
  /** Of the acknowledged orders, those in verified blocks: they were compared by the digest of their block. */
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
  /** Verified blocks whose stored orders no longer match the digest. The lists above name their orders where these can be known. */
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
    ...(report.settled > 0 ? [`compared by the digests of verified blocks: ${figure(report.settled)}`] : []),
    ...report.archiveProblems,
    ...faultLines(report),
    ...detailLines(report),
    '',
    `${SENTENCES[report.verdict]} (${report.seconds} s, ${figure(report.ordersPerSecond)} orders/s)`,
  ].join('\n');
}

const SENTENCES: Readonly<Record<Verdict, string>> = {
  holds: 'OK: every acknowledged order is saved or dead-lettered, and none is duplicated or altered.',
  pending: 'Pending: work is unfinished, and nothing is lost so far.',
  broken: 'Mismatch: see the lines above.',
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

/** Maximum number of listed records of each kind; all are counted. */
const LISTED = 100;
const PENDING = new Set<MissingReason>(['not-yet-saved', 'not-yet-projected']);

type Counted =
  | 'saved'
  | 'archived'
  | 'deadLettered'
  | 'both'
  | 'discarded'
  | 'skipped'
  | 'doubled'
  | 'savedUnacknowledged'
  | 'settled';

/** Maximum number of missing orders to search for in the oplog, which is read completely for them. */
const LOOKED_FOR = 1_000;

/** Accumulates the findings of all blocks. Its size doesn't grow with the operation. */
export class Findings {
  /** The first records that are lost; whether they were ever saved is checked in the oplog at the end. */
  readonly lost: MissingRecord[] = [];
  readonly counts: Record<Counted, number> = {
    saved: 0,
    archived: 0,
    deadLettered: 0,
    both: 0,
    discarded: 0,
    skipped: 0,
    doubled: 0,
    savedUnacknowledged: 0,
    settled: 0,
  };
  readonly expectedFaults: Record<Fault, number> = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };
  readonly foundFaults: Record<Fault, number> = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };
  private readonly blames: Partial<Record<MissingReason, number>> = {};
  private readonly missingOrders = { pending: 0, missing: 0 };
  private readonly missingRecords: MissingRecord[] = [];
  private readonly alteredOrders: AlteredOrder[] = [];
  private readonly phantomOrders: PhantomOrder[] = [];
  private readonly differingBlocks: DifferingBlock[] = [];
  private readonly archiveProblems: string[] = [];
  private altered = 0;
  /** Altered orders that were acknowledged. */
  private alteredAcked = 0;
  private phantom = 0;

  constructor(private readonly operation: Pick<OperationDocument, 'fullBlocks'>) {}

  addMissing(record: MissingRecord): void {
    this.blames[record.blame] = (this.blames[record.blame] ?? 0) + 1;
    // An extra record is not an order.
    const isOrder = record.fault !== 'duplicate' && record.fault !== 'conflict';
    if (isOrder) this.missingOrders[PENDING.has(record.blame) ? 'pending' : 'missing'] += 1;
    // List only lost records; pending ones are normal.
    if (!PENDING.has(record.blame) && this.missingRecords.length < LISTED) this.missingRecords.push(record);
  }

  /** Adds records that are committed, and neither saved nor dead-lettered. */
  addLost(records: readonly MissingRecord[]): void {
    for (const record of records) {
      if (this.lost.length < LOOKED_FOR) this.lost.push(record);
      else this.addMissing(withoutOplog(record, this.operation));
    }
  }

  /** @param isAcked false for an order that was never acknowledged */
  addAltered(order: AlteredOrder, isAcked = true): void {
    this.altered += 1;
    if (isAcked) this.alteredAcked += 1;
    if (this.alteredOrders.length < LISTED) this.alteredOrders.push(order);
  }

  addPhantom(order: PhantomOrder): void {
    this.phantom += 1;
    if (this.phantomOrders.length < LISTED) this.phantomOrders.push(order);
  }

  /** Adds a verified block whose stored orders no longer match the digest. */
  addDiffering(block: DifferingBlock): void {
    this.differingBlocks.push(block);
  }

  /** Adds what is wrong with an archive: it is missing, damaged, or has other orders. */
  addArchiveProblem(problem: string): void {
    this.archiveProblems.push(problem);
  }

  /** Adds the findings of other orders. */
  add(other: Findings): void {
    for (const name of Object.keys(this.counts) as Counted[]) this.counts[name] += other.counts[name];
    for (const fault of FAULTS) {
      this.expectedFaults[fault] += other.expectedFaults[fault];
      this.foundFaults[fault] += other.foundFaults[fault];
    }
    for (const blame of Object.keys(other.blames) as MissingReason[])
      this.blames[blame] = (this.blames[blame] ?? 0) + (other.blames[blame] ?? 0);
    this.missingOrders.pending += other.missingOrders.pending;
    this.missingOrders.missing += other.missingOrders.missing;
    this.altered += other.altered;
    this.alteredAcked += other.alteredAcked;
    this.phantom += other.phantom;
    appendListed(this.missingRecords, other.missingRecords);
    appendListed(this.alteredOrders, other.alteredOrders);
    appendListed(this.phantomOrders, other.phantomOrders);
    this.differingBlocks.push(...other.differingBlocks);
    this.archiveProblems.push(...other.archiveProblems);
    this.addLost(other.lost);
  }

  /** Whether no order is lost, altered, invented, pending or dead-lettered. Discarded and repeated orders are fine. */
  get isClean(): boolean {
    const { deadLettered, both } = this.counts;
    if (this.lost.length > 0) return false;
    return !this.hasDefects && Object.keys(this.blames).length === 0 && deadLettered === 0 && both === 0;
  }

  private get hasDefects(): boolean {
    const defects = Object.keys(this.blames).some((blame) => !PENDING.has(blame as MissingReason));
    const { doubled } = this.counts;
    const hasDiffering = this.differingBlocks.length > 0 || this.archiveProblems.length > 0;
    return defects || this.altered > 0 || this.phantom > 0 || doubled > 0 || hasDiffering;
  }

  private get accounted(): number {
    const { saved, archived, deadLettered, discarded, skipped } = this.counts;
    const { pending, missing } = this.missingOrders;
    return saved + archived + deadLettered + discarded + skipped + this.alteredAcked + pending + missing;
  }

  /** Documents with the operation's numbers and foreign ids. */
  get others(): number {
    return this.phantom + this.counts.doubled;
  }

  /** Adds a stray order, unless it is reported already as an order with an altered number. */
  addStray(order: PhantomOrder): void {
    if (!this.alteredOrders.some(({ id }) => id === order.id)) this.addPhantom(order);
  }

  addDoubled(order: PhantomOrder): void {
    this.counts.doubled += 1;
    if (this.phantomOrders.length < LISTED) this.phantomOrders.push(order);
  }

  verdict(isRunning: boolean, acked: number): Verdict {
    // Each acknowledged order must be counted exactly once; otherwise this check itself is broken.
    if (this.accounted !== acked) return 'broken';
    if (this.hasDefects) return 'broken';
    return isRunning || Object.keys(this.blames).length > 0 ? 'pending' : 'holds';
  }

  /** Returns the findings part of the report; `faults` is set only for an operation with a fault mix. */
  figures(hasFaults: boolean) {
    const faults: { expected: FaultCounts; found: FaultCounts } | null = hasFaults
      ? { expected: this.expectedFaults, found: this.foundFaults }
      : null;
    return {
      ...this.counts,
      ...this.missingOrders,
      altered: this.altered,
      phantom: this.phantom,
      faults,
      blames: this.blames,
      missingRecords: this.missingRecords,
      alteredOrders: this.alteredOrders,
      phantomOrders: this.phantomOrders,
      differingBlocks: this.differingBlocks,
      archiveProblems: this.archiveProblems,
    } satisfies Partial<ReconcileReport>;
  }
}

function appendListed<T>(list: T[], more: readonly T[]): void {
  list.push(...more.slice(0, LISTED - list.length));
}

/** Searches for evidence in the operation document alone. A faulty record was never saved, even if the order of its index was. */
export function withoutOplog(
  record: MissingRecord,
  { fullBlocks }: Pick<OperationDocument, 'fullBlocks'>,
): MissingRecord {
  const isFull = fullBlocks.includes(Math.floor(record.index / FULL_BLOCK_ORDERS));
  if (record.fault !== null || !isFull) return record;
  return { ...record, blame: 'saved-then-gone', evidence: 'all orders of its number block were saved before' };
}
