import type { LegacyRead } from '../sides/legacy-read.js';
import type { SideName } from '../sides/side.js';
import type { WholeAnswer } from '../sides/side-connection.js';
import type { Capability } from '../stages/capability.js';
import { timeLimit } from '#orders/time-limit.js';

/** What is to be compared. */
export interface ComparisonJob {
  readonly capability: Capability;
  /** The version of the capability's state. */
  readonly version: number;
  /** What was asked for. */
  readonly key: string;
  readonly read: LegacyRead;
  /** The answer that a client got; without it, both sides are asked. */
  readonly answered?: { readonly side: SideName; readonly answer: WholeAnswer };
}

const MAX_QUEUED = 1_000;
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** The figures of the gate, and a rollback within 5 s, need comparisons of what is answered now. */
const MAX_WAIT_MS = timeLimit(1_000);

/** The comparisons that have not begun: bounded in number, in the bytes of their answers, and in how long they wait. */
export class ComparisonQueue {
  private readonly jobs: { readonly job: ComparisonJob; readonly since: number }[] = [];
  private bytes = 0;

  get length(): number {
    return this.jobs.length;
  }

  /** Returns whether there was room. @param now milliseconds */
  add(job: ComparisonJob, now: number): boolean {
    if (this.jobs.length >= MAX_QUEUED || this.bytes > MAX_QUEUED_BYTES) return false;
    this.jobs.push({ job, since: now });
    this.bytes += bytesOf(job);
    return true;
  }

  /** Removes the oldest that has waited for at most a second. @param onOverdue called for each that has waited longer, and is dropped */
  take(now: number, onOverdue: () => void): ComparisonJob | undefined {
    for (;;) {
      const oldest = this.jobs.shift();
      if (oldest === undefined) return undefined;
      this.bytes -= bytesOf(oldest.job);
      if (now - oldest.since <= MAX_WAIT_MS) return oldest.job;
      onOverdue();
    }
  }

  clear(): void {
    this.jobs.length = 0;
    this.bytes = 0;
  }
}

function bytesOf({ answered }: ComparisonJob): number {
  return answered?.answer.bytes.length ?? 0;
}
