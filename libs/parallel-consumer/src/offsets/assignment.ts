import { KeyQueues } from '../window/key-queues.js';
import { OffsetFrontier } from './offset-frontier.js';
import type { ConsumedRecord } from '../record.js';

/** A record on its way through the handler. */
export interface Task {
  readonly record: ConsumedRecord;
  readonly assignment: Assignment;
  /** What it must keep its order with; `null`: with nothing. */
  readonly key: string | null;
  readonly bytes: number;
  /** Attempts that were the record's own fault. */
  failedAttempts: number;
}

/**
 * One partition while it is ours. A partition that is lost and comes back is a new object: whatever still runs for the old
 * one completes on the old one's frontier, which nobody commits any more. That is the fence; it needs no epoch numbers.
 */
export class Assignment {
  readonly frontier = new OffsetFrontier();
  readonly keys = new KeyQueues<Task>();
  private readonly abort = new AbortController();
  /** The offset last committed, if any was. */
  committed: number | undefined;
  /** One past the partition's last record, as of the last fetch. */
  highWatermark = 0;

  constructor(
    readonly topic: string,
    readonly partition: number,
  ) {}

  get revoked(): boolean {
    return this.abort.signal.aborted;
  }

  /** Aborts when the partition is taken away. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  revoke(): void {
    this.abort.abort(new Error(`partition ${this.topic}-${this.partition} was revoked`));
  }

  /** What should be committed now; `undefined` when nothing has moved, or nothing may be committed any more. */
  get uncommitted(): number | undefined {
    const { committable } = this.frontier;
    return this.revoked || committable === 0 || committable === this.committed ? undefined : committable;
  }
}
