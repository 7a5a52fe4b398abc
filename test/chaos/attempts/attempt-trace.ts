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

/**
 * Appends what a consumer process does to a file of its own, one line for each event: a letter, the time, and fields. The file has all that was
 * written before a SIGKILL. Events are written at the end of a turn of the event loop, and before each effect that others can see (`flush`), so
 * that a kill loses only a last part without effect.
 */
export class TraceWriter {
  private readonly file: number;
  private lines = '';
  private attempts = 0;

  constructor(path: string) {
    this.file = openSync(path, 'a');
  }

  /** @returns the attempt's number in this file */
  started(partition: number, offset: number, fence: number, attempt: number): number {
    this.attempts += 1;
    this.add(`s ${monotonicMs()} ${this.attempts} ${partition} ${offset} ${fence} ${attempt}`);
    return this.attempts;
  }

  ended(attempt: number, ending: Ending): void {
    this.add(`e ${monotonicMs()} ${ending} ${attempt}`);
  }

  insertBegins(attempts: readonly number[]): void {
    this.add(`i ${monotonicMs()} ${attempts.join(' ')}`);
    this.flush();
  }

  insertEnded(attempts: readonly number[], endings: readonly Ending[]): void {
    const time = monotonicMs();
    for (const ending of new Set(endings))
      this.add(`r ${time} ${ending} ${attempts.filter((_, at) => endings[at] === ending).join(' ')}`);
  }

  committed(partition: number, offset: number): void {
    this.add(`c ${monotonicMs()} ${partition} ${offset}`);
  }

  /** An ownership has read its position. @param requestedAt when it was requested */
  began(partition: number, fence: number, requestedAt: number, offset: number, metadata: string): void {
    this.add(`b ${monotonicMs()} ${partition} ${fence} ${requestedAt} ${offset} ${metadata}`);
  }

  /** All ownerships of the process have ended. @param code of the reason */
  lost(code: string): void {
    this.add(`l ${monotonicMs()} ${code}`);
  }

  flush(): void {
    if (this.lines === '') return;
    writeSync(this.file, this.lines);
    this.lines = '';
  }

  private add(line: string): void {
    if (this.lines === '') setImmediate(() => this.flush());
    this.lines += `${line}\n`;
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
  readonly member: string;
  readonly fence: number;
  readonly requestedAt: number;
  readonly offset: number;
  readonly metadata: string;
}

/** What all consumer processes did with one partition; the events in the order of their times. */
export interface PartitionTrace {
  readonly events: AttemptEvent[];
  readonly beginnings: Beginning[];
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

  read(line: string): void {
    const [kind = '', at, ...fields] = line.split(' ');
    const time = Number(at);
    if (time > this.until) return;
    const { member } = this;
    const numbers = fields.map(Number);
    const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = numbers;
    switch (kind) {
      case 's': {
        const attempt = { member, offset: third, fence: fourth, attempt: fifth };
        this.attempts.set(first, { partition: second, attempt });
        return this.add(first, (one) => ({ type: 'started', time, attempt: one }));
      }
      case 'i':
        for (const id of numbers) this.add(id, (attempt) => ({ type: 'insert-begins', time, attempt }));
        return;
      case 'r':
      case 'e': {
        const ending = fields[0] as Ending;
        const type = kind === 'r' ? 'insert-ended' : 'ended';
        for (const id of numbers.slice(1)) {
          this.add(id, (attempt) => ({ type, ending, time, attempt }));
          if (kind === 'e') this.attempts.delete(id);
        }
        return;
      }
      case 'c':
        this.partition(first).commits.push({ time, offset: second });
        return;
      case 'b': {
        const beginning = { member, fence: second, requestedAt: third, offset: fourth, metadata: fields[4] ?? '' };
        this.partition(first).beginnings.push(beginning);
        return;
      }
      case 'l':
        this.trace.losses.push({ time, member, code: fields[0] ?? '' });
        return;
      default:
        throw new Error(`${member} has a line of an unknown kind: ${line}`);
    }
  }

  private add(id: number, event: (attempt: TracedAttempt) => AttemptEvent): void {
    const known = this.attempts.get(id);
    if (known !== undefined) this.partition(known.partition).events.push(event(known.attempt));
  }

  private partition(number: number): PartitionTrace {
    const known = this.trace.partitions.get(number) ?? { events: [], beginnings: [], commits: [] };
    this.trace.partitions.set(number, known);
    return known;
  }
}
