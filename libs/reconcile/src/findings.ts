import type { Fault, FaultCounts } from '#orders/fault-mix.js';
import type { Blame } from './blame.js';
import type { AlteredOrder, PhantomOrder } from './compare-block.js';
import type { MissingRecord, ReconcileReport, Verdict } from './report.js';

/** How many of each kind are told one by one; all are counted. */
const LISTED = 100;
const PENDING = new Set<Blame>(['not-yet-saved', 'not-yet-projected']);

type Counted = 'saved' | 'deadLettered' | 'both' | 'discarded' | 'skipped' | 'doubled' | 'savedUnacknowledged';

/** Adds up what the blocks have shown. Its size doesn't grow with the operation. */
export class Findings {
  readonly counts: Record<Counted, number> = {
    saved: 0,
    deadLettered: 0,
    both: 0,
    discarded: 0,
    skipped: 0,
    doubled: 0,
    savedUnacknowledged: 0,
  };
  readonly expectedFaults: Record<Fault, number> = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };
  readonly foundFaults: Record<Fault, number> = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };
  private readonly blames: Partial<Record<Blame, number>> = {};
  private readonly missingOrders = { pending: 0, missing: 0 };
  private readonly missingRecords: MissingRecord[] = [];
  private readonly alteredOrders: AlteredOrder[] = [];
  private readonly phantomOrders: PhantomOrder[] = [];
  private altered = 0;
  /** Those of them that were acknowledged. */
  private alteredAcked = 0;
  private phantom = 0;

  addMissing(record: MissingRecord): void {
    this.blames[record.blame] = (this.blames[record.blame] ?? 0) + 1;
    // An extra record is no order.
    const isOrder = record.fault !== 'duplicate' && record.fault !== 'conflict';
    if (isOrder) this.missingOrders[PENDING.has(record.blame) ? 'pending' : 'missing'] += 1;
    // What is on its way is no news; what is lost is.
    if (!PENDING.has(record.blame) && this.missingRecords.length < LISTED) this.missingRecords.push(record);
  }

  /** @param isAcked false for one whose acknowledgement never came */
  addAltered(order: AlteredOrder, isAcked = true): void {
    this.altered += 1;
    if (isAcked) this.alteredAcked += 1;
    if (this.alteredOrders.length < LISTED) this.alteredOrders.push(order);
  }

  addPhantom(order: PhantomOrder): void {
    this.phantom += 1;
    if (this.phantomOrders.length < LISTED) this.phantomOrders.push(order);
  }

  private get accounted(): number {
    const { saved, deadLettered, discarded, skipped } = this.counts;
    const { pending, missing } = this.missingOrders;
    return saved + deadLettered + discarded + skipped + this.alteredAcked + pending + missing;
  }

  /** Documents under the operation's numbers that have other ids. */
  get others(): number {
    return this.phantom + this.counts.doubled;
  }

  /** An altered number makes its order stray, which is told already. */
  addStray(order: PhantomOrder): void {
    if (!this.alteredOrders.some(({ id }) => id === order.id)) this.addPhantom(order);
  }

  addDoubled(order: PhantomOrder): void {
    this.counts.doubled += 1;
    if (this.phantomOrders.length < LISTED) this.phantomOrders.push(order);
  }

  verdict(isRunning: boolean, acked: number): Verdict {
    // Each acknowledged order has had exactly one of these said of it, or this check is what is broken.
    if (this.accounted !== acked) return 'broken';
    const defects = Object.entries(this.blames).some(([blame]) => !PENDING.has(blame as Blame));
    if (defects || this.altered > 0 || this.phantom > 0 || this.counts.doubled > 0) return 'broken';
    return isRunning || Object.keys(this.blames).length > 0 ? 'pending' : 'holds';
  }

  /** The part of the report that was found; `faults` only where there is a mix of them. */
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
    } satisfies Partial<ReconcileReport>;
  }
}
