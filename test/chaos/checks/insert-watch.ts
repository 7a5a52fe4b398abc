import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeStream, Collection, Long, ResumeToken } from 'mongodb';
import type { OrderDocument } from '#orders/order/order-document.js';
import type { Insert } from './key-order.js';

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
  /** Why the stream could not resume and so has missed changes; `null` if it has not broken. */
  brokenBy: string | null = null;
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
    const deadline = performance.now() + withinMs;
    while (this.seen < count && performance.now() < deadline) await delay(RETRY_DELAY_MS);
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
    while (!this.isOver && this.brokenBy === null) {
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
      this.brokenBy = reason.message;
      return;
    }
    await Promise.allSettled([this.stream?.close()]);
    await delay(RETRY_DELAY_MS);
    this.open();
  }
}
