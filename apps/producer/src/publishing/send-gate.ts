import { javaCompatiblePartitioner } from '#orders/topics/topics.js';

/** A connection that sends to the orders topic, and can be made anew. */
export interface GatedConnection {
  /** Disconnects. The next send connects again, and learns the partitions. */
  reconnect(): Promise<void>;
}

/**
 * Lets work pass that chooses partitions and sends records, unless the topic gets more partitions: two counts at once would send an
 * account's orders to two partitions. It closes only when all work that has passed is done.
 */
export class SendGate {
  private readonly connections: GatedConnection[] = [];
  private ending = new AbortController();
  private running = 0;
  private closed: Promise<void> | undefined;
  private hasClosed = false;
  private onIdle: () => void = () => undefined;
  private onOpen: (() => void)[] = [];
  private partitioner: (key: string) => number;

  /** @param count the partitions of the orders topic. @param state whether it lets work pass from the beginning */
  constructor(
    private count: number,
    state: 'open' | 'closed' = 'open',
  ) {
    this.partitioner = javaCompatiblePartitioner(count);
    if (state === 'closed') [this.closed, this.hasClosed] = [Promise.resolve(), true];
  }

  get partitions(): number {
    return this.count;
  }

  /** Returns the partition of an account. Call it, and send the record, within the same work. */
  partitionOf(accountId: string): number {
    return this.partitioner(accountId);
  }

  get isOpen(): boolean {
    return this.closed === undefined;
  }

  /** Whether nothing is on its way any more, and nothing will be until it opens. */
  get isClosed(): boolean {
    return this.hasClosed;
  }

  attach(connection: GatedConnection): void {
    this.connections.push(connection);
  }

  /** Runs work, as soon as the gate is open. @param work gets a signal that aborts when the gate begins to close: it should end soon */
  async pass<T>(work: (closing: AbortSignal) => Promise<T>): Promise<T> {
    while (!this.isOpen) await new Promise<void>((resolve) => void this.onOpen.push(resolve));
    this.running += 1;
    try {
      return await work(this.ending.signal);
    } finally {
      this.running -= 1;
      if (this.running === 0) this.onIdle();
    }
  }

  /** Lets no more work pass. Resolves when all that has passed is done, and the connections are closed. Repeatable. */
  async close(): Promise<void> {
    this.closed ??= this.closeOnce();
    return this.closed;
  }

  /** Lets work pass again. Call it only after it has closed. @param count the partitions that the topic has now */
  open(count: number): void {
    this.count = count;
    this.partitioner = javaCompatiblePartitioner(count);
    this.ending = new AbortController();
    this.closed = undefined;
    this.hasClosed = false;
    for (const resolve of this.onOpen.splice(0)) resolve();
  }

  private async closeOnce(): Promise<void> {
    this.ending.abort();
    if (this.running > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));
    await Promise.all(this.connections.map(async (each) => each.reconnect()));
    this.hasClosed = true;
  }
}
