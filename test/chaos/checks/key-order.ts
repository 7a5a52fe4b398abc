/** An order as the database tells that it came in. */
export interface Insert {
  readonly number: number;
  readonly accountId: string;
  readonly partition: number;
  readonly offset: number;
}

export interface OutOfOrder {
  readonly before: Insert;
  /** Came after it, and stands before it on the topic. */
  readonly after: Insert;
}

const MOST_KEPT = 20;

/**
 * Whether the orders of each account came in as they stand on the topic. By the order in which MongoDB has put them into its log, for which
 * several processes' clocks could be no witness. Memory: one entry for each account.
 */
export class KeyOrder {
  /** How many were out of order; the first of them are kept. */
  violations = 0;
  readonly first: OutOfOrder[] = [];
  private readonly last = new Map<string, Insert>();

  note(insert: Insert): void {
    const before = this.last.get(insert.accountId);
    this.last.set(insert.accountId, insert);
    if (before === undefined || before.partition !== insert.partition || before.offset < insert.offset) return;
    this.violations += 1;
    if (this.first.length < MOST_KEPT) this.first.push({ before, after: insert });
  }
}
