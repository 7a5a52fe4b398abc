import { createReadStream, openSync, writeSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** How an attempt, or its insert, ended. `untried`: nothing was begun for it. */
export type Ending = 'done' | 'failed' | 'untried';

/** Milliseconds of a monotonic clock that all processes of a machine share. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

/** An event as a line of a file, in JSON. Times are those of `monotonicMs`, and attempts have numbers in their file. */
export type TraceLine =
  | readonly [type: 'started', time: number, id: number, partition: number, offset: number, fence: number, n: number]
  | readonly [type: 'insert-begins', time: number, ids: readonly number[]]
  | readonly [type: 'insert-ended' | 'ended', time: number, ending: Ending, ids: readonly number[]]
  | readonly [type: 'committed', time: number, partition: number, offset: number]
  /** An ownership has read its position. */
  | readonly [type: 'began', time: number, partition: number, beginning: Beginning]
  /** All ownerships of the process have ended. */
  | readonly [type: 'lost', time: number, code: string];

/**
 * Appends what a consumer process does to a file of its own, one line for each event. The file has all that was written before a SIGKILL.
 * Events are written at the end of a turn of the event loop, and before each effect that others can see (`flush`), so that a kill loses only a
 * last part without effect.
 */
export class TraceWriter {
  private readonly file: number;
  private lines = '';
  private attempts = 0;

  constructor(path: string) {
    this.file = openSync(path, 'a');
  }

  /** @returns the attempt's number in this file */
  started(partition: number, offset: number, fence: number, number: number): number {
    this.attempts += 1;
    this.write(['started', monotonicMs(), this.attempts, partition, offset, fence, number]);
    return this.attempts;
  }

  insertEnded(ids: readonly number[], endings: readonly Ending[]): void {
    const time = monotonicMs();
    for (const ending of new Set(endings))
      this.write(['insert-ended', time, ending, ids.filter((_, at) => endings[at] === ending)]);
  }

  write(line: TraceLine): void {
    if (this.lines === '') setImmediate(() => this.flush());
    this.lines += `${JSON.stringify(line)}\n`;
  }

  flush(): void {
    if (this.lines === '') return;
    writeSync(this.file, this.lines);
    this.lines = '';
  }
}

/** An attempt of a consumer process. */
export interface TracedAttempt {
  /** The process, such as `consumer-2/4711`. */
  readonly member: string;
  readonly offset: number;
  readonly fence: number;
  readonly attempt: number;
}

/** An event of an attempt. `time` is in milliseconds of the machine's monotonic clock. */
export type AttemptEvent = { readonly time: number; readonly attempt: TracedAttempt } & (
  | { readonly type: 'started' }
  | { readonly type: 'insert-begins' }
  | { readonly type: 'ended'; readonly ending: Ending }
  | { readonly type: 'insert-ended'; readonly ending: Ending }
);

/** What an ownership read when it began. */
export interface Beginning {
  readonly fence: number;
  readonly requestedAt: number;
  readonly offset: number;
  readonly metadata: string;
}

/** What all consumer processes did with one partition; the events in the order of their times. */
export interface PartitionTrace {
  readonly events: AttemptEvent[];
  readonly beginnings: (Beginning & { readonly member: string })[];
  readonly commits: { readonly time: number; readonly offset: number }[];
}

/** What all consumer processes did. */
export interface AttemptTrace {
  readonly members: string[];
  readonly partitions: Map<number, PartitionTrace>;
  /** Losses of the membership: all ownerships of the member ended. */
  readonly losses: { readonly time: number; readonly member: string; readonly code: string }[];
}

/**
 * Reads what the consumers have written (`TraceWriter`) until a time; later events may be complete for some processes only. Memory: about 400
 * bytes for each order.
 */
export async function readTrace(directory: string, until: number): Promise<AttemptTrace> {
  const trace: AttemptTrace = { members: [], partitions: new Map(), losses: [] };
  for (const name of (await readdir(directory)).toSorted()) {
    const reader = new TraceReader(name, until, trace);
    trace.members.push(name);
    let rest = '';
    // A line without an end was cut by a SIGKILL, or is not written yet.
    for await (const text of createReadStream(join(directory, name), 'utf8')) {
      const lines = (rest + String(text)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) reader.read(line);
    }
  }
  for (const { events } of trace.partitions.values()) events.sort((a, b) => a.time - b.time);
  return trace;
}

class TraceReader {
  private readonly attempts = new Map<number, { readonly partition: number; readonly attempt: TracedAttempt }>();

  constructor(
    private readonly member: string,
    private readonly until: number,
    private readonly trace: AttemptTrace,
  ) {}

  read(text: string): void {
    const line = JSON.parse(text) as TraceLine;
    const { member } = this;
    const [, time] = line;
    if (time > this.until) return;
    switch (line[0]) {
      case 'started': {
        const [type, , id, partition, offset, fence, attempt] = line;
        this.attempts.set(id, { partition, attempt: { member, offset, fence, attempt } });
        return this.add([id], (one) => ({ type, time, attempt: one }));
      }
      case 'insert-begins': {
        const [type, , ids] = line;
        return this.add(ids, (attempt) => ({ type, time, attempt }));
      }
      case 'insert-ended':
      case 'ended': {
        const [type, , ending, ids] = line;
        this.add(ids, (attempt) => ({ type, ending, time, attempt }));
        if (type === 'ended') for (const id of ids) this.attempts.delete(id);
        return;
      }
      case 'committed':
        this.partition(line[2]).commits.push({ time, offset: line[3] });
        return;
      case 'began':
        this.partition(line[2]).beginnings.push({ member, ...line[3] });
        return;
      case 'lost':
        this.trace.losses.push({ time, member, code: line[2] });
    }
  }

  private add(ids: readonly number[], event: (attempt: TracedAttempt) => AttemptEvent): void {
    for (const id of ids) {
      const known = this.attempts.get(id);
      if (known !== undefined) this.partition(known.partition).events.push(event(known.attempt));
    }
  }

  private partition(number: number): PartitionTrace {
    const known = this.trace.partitions.get(number) ?? { events: [], beginnings: [], commits: [] };
    this.trace.partitions.set(number, known);
    return known;
  }
}
