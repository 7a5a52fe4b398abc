import type { LegacyRead } from '../sides/legacy-read.js';
import type { SideName } from '../sides/side.js';
import type { WholeAnswer } from '../sides/side-connection.js';
import type { Capability } from '../stages/capability.js';

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

/** The comparisons that have not begun: bounded in number, and in the bytes of their answers. */
export class ComparisonQueue {
  private readonly jobs: ComparisonJob[] = [];
  private bytes = 0;

  get length(): number {
    return this.jobs.length;
  }

  /** Returns whether there was room. */
  add(job: ComparisonJob): boolean {
    if (this.jobs.length >= MAX_QUEUED || this.bytes > MAX_QUEUED_BYTES) return false;
    this.jobs.push(job);
    this.bytes += bytesOf(job);
    return true;
  }

  /** Removes the oldest. */
  take(): ComparisonJob | undefined {
    const job = this.jobs.shift();
    if (job !== undefined) this.bytes -= bytesOf(job);
    return job;
  }

  clear(): void {
    this.jobs.length = 0;
    this.bytes = 0;
  }
}

function bytesOf({ answered }: ComparisonJob): number {
  return answered?.answer.bytes.length ?? 0;
}
