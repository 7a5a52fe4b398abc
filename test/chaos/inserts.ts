import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeStream, Collection, Long, ResumeToken } from 'mongodb';
import type { OrderDocument } from '#orders/order/order-document.js';
import { holdsWithin } from './history.js';

/** An inserted order, as the change stream returns it. */
export interface Insert {
  readonly number: number;
  readonly accountId: string;
  readonly operationId: string;
  readonly partition: number;
  readonly offset: number;
}

interface OutOfOrder {
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

  /** @param segmentOf names the unit that one producer publishes in order: the segments of an operation are published concurrently */
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

const RETRY_DELAY_MS = 200;
const BATCH_SIZE = 1_000;

interface Change {
  readonly operationType: string;
  readonly fullDocument?: {
    readonly number: number | Long;
    readonly accountId: string;
    readonly ingest: {
      readonly operationId: unknown;
      readonly partition: number;
      readonly offset: number | Long;
    };
  };
}

/**
 * Reports each inserted order in the order of MongoDB's oplog, from a change stream, which returns only majority-committed changes. Resumes
 * the stream where it broke.
 */
export class InsertWatch {
  /** Types of all other changes to orders. None is expected. */
  readonly others: string[] = [];
  /** Why the stream could not resume and so has missed changes; `null` if it has missed none. */
  interruptedBy: string | null = null;
  seen = 0;
  private stream: ChangeStream | undefined;
  private token: ResumeToken;
  private isOver = false;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly orders: Collection<OrderDocument>,
    private readonly onInsert: (insert: Insert) => void,
  ) {}

  /** Resolves once the stream misses no later change. */
  async start(): Promise<void> {
    this.open();
    // The first response, empty or not, sets the resume token.
    await this.stream?.tryNext();
    this.token = this.stream?.resumeToken;
    this.running = this.run();
  }

  /** Waits until `count` inserts were seen, at most `withinMs` milliseconds. */
  async untilSeen(count: number, withinMs: number): Promise<void> {
    await holdsWithin(withinMs, () => this.seen >= count);
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.stream?.close();
    await this.running;
  }

  private open(): void {
    const fields = {
      operationType: 1,
      'fullDocument.number': 1,
      'fullDocument.accountId': 1,
      'fullDocument.ingest': 1,
    };
    this.stream = this.orders.watch([{ $project: fields }], {
      batchSize: BATCH_SIZE,
      ...(this.token !== undefined && { resumeAfter: this.token }),
    });
  }

  private async run(): Promise<void> {
    while (!this.isOver && this.interruptedBy === null) {
      try {
        await this.read();
      } catch (error) {
        if (this.isOver) return;
        await this.resume(error);
      }
    }
  }

  private async read(): Promise<void> {
    for (;;) {
      const change = (await this.stream?.next()) as Change | undefined;
      if (change === undefined) return;
      this.token = this.stream?.resumeToken;
      this.take(change);
    }
  }

  private take({ operationType, fullDocument }: Change): void {
    if (operationType !== 'insert' || fullDocument === undefined) {
      this.others.push(operationType);
      return;
    }
    const { number, accountId, ingest } = fullDocument;
    this.seen += 1;
    this.onInsert({
      number: Number(number),
      accountId,
      operationId: String(ingest.operationId),
      partition: ingest.partition,
      offset: Number(ingest.offset),
    });
  }

  private async resume(reason: unknown): Promise<void> {
    // The oplog no longer covers the outage: the changes written meanwhile are lost for the stream.
    if (reason instanceof Error && /ChangeStreamHistoryLost|resume point may no longer/.test(reason.message)) {
      this.interruptedBy = reason.message;
      return;
    }
    await Promise.allSettled([this.stream?.close()]);
    await delay(RETRY_DELAY_MS);
    this.open();
  }
}
