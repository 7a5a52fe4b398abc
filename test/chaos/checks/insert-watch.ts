import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeStream, Collection, Long, ResumeToken } from 'mongodb';
import type { OrderDocument } from '#orders/order-document.js';
import type { Insert } from './key-order.js';

const LOOK_AGAIN_MS = 200;
const AT_ONCE = 1_000;

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
 * Tells of each order that comes in, in the order in which MongoDB has durably put them into its log (its change stream, which a majority
 * has). Goes on where it was when it breaks.
 */
export class InsertWatch {
  /** What happened to orders besides: nothing should. */
  readonly others: string[] = [];
  /** Why it can't go on, and so has not seen all; `null`: nothing. */
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

  /** Resolves once nothing that comes from then on is missed. */
  async start(): Promise<void> {
    this.open();
    // The first answer, empty or not, sets the place from which it goes on.
    await this.stream?.tryNext();
    this.token = this.stream?.resumeToken;
    this.running = this.run();
  }

  /** Waits until it has seen so many, for a while at the most. */
  async untilSeen(count: number, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (this.seen < count && performance.now() < deadline) await delay(LOOK_AGAIN_MS);
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
      batchSize: AT_ONCE,
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
    // The log is shorter than the outage: what was written meanwhile can't be had any more.
    if (reason instanceof Error && /ChangeStreamHistoryLost|resume point may no longer/.test(reason.message)) {
      this.brokenBy = reason.message;
      return;
    }
    await Promise.allSettled([this.stream?.close()]);
    await delay(LOOK_AGAIN_MS);
    this.open();
  }
}
