import type { OperationDocument } from '#orders/operation/operation.js';
import type { KnownNumbers } from './known-numbers.js';
import type { LoggedRecord } from './logged-order.js';
import type { PlacedOrder } from './logged-batches.js';
import { NumberSet } from './number-set.js';

/** What the log has of an operation since the backup. */
export interface LoggedOperation {
  readonly id: string;
  /** Records, those that are repeated or wrong included. */
  records: number;
  /** Valid orders whose numbers the backup does not know. */
  orders: number;
  firstNumber: number | null;
  lastNumber: number | null;
  /** Times of the first and the last record, in ms since 1970. */
  firstAt: number;
  lastAt: number;
  /** The number of its order with index 0; `undefined`: unknown; `null`: its numbers are in several blocks. */
  base: number | null | undefined;
  /** The highest index of a record that can't be decoded; -1: none. */
  highestUndecoded: number;
}

/** No producer reserves as many numbers between two backups: a record with a higher number is not from the pipeline. */
const MOST_NUMBERS = 1_000_000_000;
/** Ten times the largest operation: so many numbers are skipped for records whose numbers can't be known. */
const SKIPPED_NUMBERS = 100_000_000;
const MOST_LISTED = 1_000;

/** Collects what the orders topic says about the time since the backup. */
export class LogFindings {
  records = 0;
  /** Records without the headers of an operation, or with a number that no operation can have. */
  foreign = 0;
  undecodable = 0;
  readonly operations = new Map<string, LoggedOperation>();
  /** Ids of dead letters that were sent again, the first 1,000. */
  readonly redriven = new Set<string>();
  readonly seen = new NumberSet();
  private highestSeen: number;

  /** @param restored the operations in the backup, by id */
  constructor(
    private readonly known: KnownNumbers,
    private readonly restored: ReadonlyMap<string, Pick<OperationDocument, 'kind' | 'count'>>,
  ) {
    this.highestSeen = known.highest;
  }

  /** @returns the order, if the backup knows nothing of its number and the log had none with it before */
  note(record: LoggedRecord): PlacedOrder | undefined {
    this.records += 1;
    const { origin, number, redriveOf, order } = record;
    if (redriveOf !== undefined && this.redriven.size < MOST_LISTED) this.redriven.add(redriveOf);
    if (origin === undefined || (number !== undefined && number > this.known.highest + MOST_NUMBERS)) {
      this.foreign += 1;
      return undefined;
    }
    if (number === undefined) this.undecodable += 1;
    else this.highestSeen = Math.max(this.highestSeen, number);
    // The operation that sends it again is not in its headers.
    if (redriveOf !== undefined) return undefined;
    const operation = this.noteOperation(origin, record);
    if (order === undefined || this.known.has(order.number) || !this.seen.add(order.number)) return undefined;
    operation.orders += 1;
    operation.firstNumber = Math.min(operation.firstNumber ?? order.number, order.number);
    operation.lastNumber = Math.max(operation.lastNumber ?? order.number, order.number);
    const { partition, offset, timestamp } = record;
    return { ...order, ...origin, partition, offset, timestamp };
  }

  /** The operations that the backup lacks. */
  get lost(): LoggedOperation[] {
    return [...this.operations.values()].filter(({ id }) => !this.restored.has(id));
  }

  /** The operations of the backup that have gone on since. */
  get progressed(): LoggedOperation[] {
    return [...this.operations.values()].filter(({ id }) => this.restored.has(id));
  }

  /** Returns the number above which new orders get theirs. */
  highestNumber(): { readonly highest: number; readonly skipped: number } {
    const undecoded = [...this.operations.values()].filter(
      ({ id, highestUndecoded }) => highestUndecoded >= 0 && !this.isNumbered(id),
    );
    const resolved = undecoded.flatMap(({ base, highestUndecoded }) =>
      typeof base === 'number' ? [base + highestUndecoded] : [],
    );
    const skipped = resolved.length < undecoded.length ? SKIPPED_NUMBERS : 0;
    return { highest: Math.max(this.highestSeen, ...resolved) + skipped, skipped };
  }

  private noteOperation(
    { operationId, index }: { operationId: string; index: number },
    record: LoggedRecord,
  ): LoggedOperation {
    const { number, timestamp } = record;
    const operation = this.operations.get(operationId) ?? this.addOperation(operationId, timestamp);
    operation.records += 1;
    operation.firstAt = Math.min(operation.firstAt, timestamp);
    operation.lastAt = Math.max(operation.lastAt, timestamp);
    if (number === undefined) operation.highestUndecoded = Math.max(operation.highestUndecoded, index);
    else if (operation.base === undefined) operation.base = number - index;
    else if (operation.base !== number - index) operation.base = null;
    return operation;
  }

  private addOperation(id: string, at: number): LoggedOperation {
    const operation = {
      id,
      records: 0,
      orders: 0,
      firstNumber: null,
      lastNumber: null,
      firstAt: at,
      lastAt: at,
      base: undefined,
      highestUndecoded: -1,
    };
    this.operations.set(id, operation);
    return operation;
  }

  /** Whether all numbers of the operation were reserved before the backup. */
  private isNumbered(id: string): boolean {
    const restored = this.restored.get(id);
    return restored !== undefined && restored.kind !== 'intake' && restored.count > 0;
  }
}
