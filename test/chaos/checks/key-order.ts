/** An inserted order, as the change stream returns it. */
export interface Insert {
  readonly number: number;
  readonly accountId: string;
  readonly operationId: string;
  readonly partition: number;
  readonly offset: number;
}

export interface OutOfOrder {
  readonly before: Insert;
  /** Inserted after `before`, although its offset is lower or it was created earlier. */
  readonly after: Insert;
}

const MAX_KEPT = 20;

/**
 * Checks that the orders of each account are inserted in topic order and in creation order. Uses the order of MongoDB's oplog, since the
 * clocks of several processes are not comparable. Memory: one entry per account and one per segment of an account.
 */
export class KeyOrder {
  /** Number of orders out of order; `first` holds the first 20. */
  violations = 0;
  readonly first: OutOfOrder[] = [];
  private readonly lastOfAccount = new Map<string, Insert>();
  private readonly lastOfSegment = new Map<string, Insert>();

  /** @param segmentOf names the unit that one producer emits in order: the segments of an operation are emitted concurrently */
  constructor(private readonly segmentOf: (insert: Insert) => string) {}

  note(insert: Insert): void {
    const onTopic = replaceLast(this.lastOfAccount, insert.accountId, insert);
    const created = replaceLast(this.lastOfSegment, `${insert.accountId} ${this.segmentOf(insert)}`, insert);
    if (onTopic !== undefined && !follows(onTopic, insert)) this.addViolation(onTopic, insert);
    else if (created !== undefined && created.number > insert.number) this.addViolation(created, insert);
  }

  private addViolation(before: Insert, after: Insert): void {
    this.violations += 1;
    if (this.first.length < MAX_KEPT) this.first.push({ before, after });
  }
}

/** Compares by topic order. All orders of an account must be on one partition, since Kafka keeps no order across partitions. */
function follows(before: Insert, { partition, offset }: Insert): boolean {
  return before.partition === partition && before.offset <= offset;
}

function replaceLast(last: Map<string, Insert>, key: string, insert: Insert): Insert | undefined {
  const before = last.get(key);
  last.set(key, insert);
  return before;
}
