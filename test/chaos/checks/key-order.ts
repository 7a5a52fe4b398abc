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
 * its log, for which several processes' clocks could be no witness. Memory: one entry for each account, and one for each of its segments.
 */
export class KeyOrder {
  /** How many were out of order; the first of them are kept. */
  violations = 0;
  readonly first: OutOfOrder[] = [];
  private readonly lastOfAccount = new Map<string, Insert>();
  private readonly lastOfSegment = new Map<string, Insert>();

  /** @param segmentOf names what one producer emits in order: the segments of an operation are emitted side by side */
  constructor(private readonly segmentOf: (insert: Insert) => string) {}

  note(insert: Insert): void {
    const onTopic = exchanged(this.lastOfAccount, insert.accountId, insert);
    const made = exchanged(this.lastOfSegment, `${insert.accountId} ${this.segmentOf(insert)}`, insert);
    if (onTopic !== undefined && !follows(onTopic, insert)) this.broken(onTopic, insert);
    else if (made !== undefined && made.number > insert.number) this.broken(made, insert);
  }

  private broken(before: Insert, after: Insert): void {
    this.violations += 1;
    if (this.first.length < MOST_KEPT) this.first.push({ before, after });
  }
}

/** On the topic. One account's orders are all on one partition: between two of them nobody keeps any order. */
function follows(before: Insert, { partition, offset }: Insert): boolean {
  return before.partition === partition && before.offset <= offset;
}

function exchanged(last: Map<string, Insert>, key: string, insert: Insert): Insert | undefined {
  const before = last.get(key);
  last.set(key, insert);
  return before;
}
