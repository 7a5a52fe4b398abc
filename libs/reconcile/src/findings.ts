import { FAULTS, type Fault, type FaultCounts } from '#orders/operation/fault-mix.js';
import type { MissingReason } from './missing-reason.js';
import type { AlteredOrder, PhantomOrder } from './compare-block.js';
import type { DifferingBlock, MissingRecord, ReconcileReport, Verdict } from './report.js';

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

/** Accumulates the findings of all blocks. Its size doesn't grow with the operation. */
export class Findings {
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

  addMissing(record: MissingRecord): void {
    this.blames[record.blame] = (this.blames[record.blame] ?? 0) + 1;
    // An extra record is not an order.
    const isOrder = record.fault !== 'duplicate' && record.fault !== 'conflict';
    if (isOrder) this.missingOrders[PENDING.has(record.blame) ? 'pending' : 'missing'] += 1;
    // List only lost records; pending ones are normal.
    if (!PENDING.has(record.blame) && this.missingRecords.length < LISTED) this.missingRecords.push(record);
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

  /** Adds a settled block whose orders are not those that were verified. */
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
  }

  /** Whether no order is lost, altered, invented, pending or dead-lettered. */
  get isClean(): boolean {
    const { deadLettered, both } = this.counts;
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
