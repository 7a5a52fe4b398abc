/** An order as the database tells that it came in. */
export interface Insert {
  readonly number: number;
  readonly accountId: string;
  readonly operationId: string;
  readonly partition: number;
  readonly offset: number;
}

export interface OutOfOrder {
  readonly before: Insert;
  /** Came after it, and stands before it on the topic, or was made before it. */
  readonly after: Insert;
}

const MOST_KEPT = 20;

/**
 * Whether the orders of each account came in as they stand on the topic, and as they were made. By the order in which MongoDB has put them into
 * its log, for which several processes' clocks could be no witness. Memory: one entry for each account.
 */
export class KeyOrder {
  /** How many were out of order; the first of them are kept. */
  violations = 0;
  readonly first: OutOfOrder[] = [];
  private readonly last = new Map<string, Insert>();

  /** @param segmentOf names what one producer emits in order: the segments of an operation are emitted side by side */
  constructor(private readonly segmentOf: (insert: Insert) => string) {}

  note(insert: Insert): void {
    const before = this.last.get(insert.accountId);
    this.last.set(insert.accountId, insert);
    if (before === undefined || (this.isBehindOnTopic(before, insert) && this.isMadeAfter(before, insert))) return;
    this.violations += 1;
    if (this.first.length < MOST_KEPT) this.first.push({ before, after: insert });
  }

  private isBehindOnTopic(before: Insert, insert: Insert): boolean {
    return before.partition !== insert.partition || before.offset < insert.offset;
  }

  private isMadeAfter(before: Insert, insert: Insert): boolean {
    return before.number < insert.number || this.segmentOf(before) !== this.segmentOf(insert);
  }
}
