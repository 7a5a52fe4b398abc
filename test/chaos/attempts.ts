import { createReadStream, openSync, writeSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AttemptHistory, type Anomaly, type SeenAttempt } from '@orders-pipeline/parallel-consumer/testing';
import { CommittedRecords } from '../support/member/effects.js';

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
interface TracedAttempt {
  /** The process, such as `consumer-2/4711`. */
  readonly member: string;
  readonly offset: number;
  readonly fence: number;
  readonly attempt: number;
}

/** An event of an attempt. `time` is in milliseconds of the machine's monotonic clock. */
type AttemptEvent = { readonly time: number; readonly attempt: TracedAttempt } & (
  | { readonly type: 'started' }
  | { readonly type: 'insert-begins' }
  | { readonly type: 'ended'; readonly ending: Ending }
  | { readonly type: 'insert-ended'; readonly ending: Ending }
);

/** What an ownership read when it began. */
interface Beginning {
  readonly fence: number;
  readonly requestedAt: number;
  readonly offset: number;
  readonly metadata: string;
}

/** What all consumer processes did with one partition; the events in the order of their times. */
interface PartitionTrace {
  readonly events: AttemptEvent[];
  readonly beginnings: (Beginning & { readonly member: string })[];
  readonly commits: { readonly time: number; readonly offset: number }[];
}

/** What all consumer processes did. */
interface AttemptTrace {
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

/** By partition and offset: the record's key. Offsets without a record are absent. */
type TopicKeys = ReadonlyMap<number, ReadonlyMap<number, string | null>>;

/** A broken promise, with the events of the record's key up to then. */
interface DatedAnomaly extends Anomaly {
  /** In ms of the monotonic clock. */
  readonly time: number;
  readonly events: readonly string[];
}

export interface JudgedAttempts {
  readonly attempts: number;
  readonly inserts: number;
  /** Number of different records that were attempted. */
  readonly records: number;
  readonly ownerships: number;
  /** Number of consumer processes. */
  readonly members: number;
  readonly anomalies: number;
  readonly first: readonly DatedAnomaly[];
  /** When leases ended without an answer of the group, in ms of the monotonic clock. */
  readonly leaseEnds: readonly number[];
  /** Inserts that repeat one of an ownership whose lease had ended so. */
  readonly repeatsAfterLease: number;
}

interface JudgeOptions {
  readonly topic: string;
  readonly keys: TopicKeys;
  /** Whether the record was dead-lettered. */
  readonly isDeadLetter: (partition: number, offset: number) => boolean;
}

const LISTED = 5;
/** Of the key of an anomaly. */
const EVENTS_LISTED = 60;
const LEASE_EXPIRED = 'lease-expired';

/**
 * Finds what breaks the promises P1 to P4 of the engine, in the attempts that it handed to the handler and, again, in the inserts: an insert begins
 * long after its attempt. A dead letter counts as acknowledged once the last failed attempt of its ownership has ended, since the trace has no later
 * time. Attempts that the engine abandons are not known: they take five minutes.
 */
export function judgeAttempts(trace: AttemptTrace, options: JudgeOptions): JudgedAttempts {
  const sum = { attempts: 0, inserts: 0, records: 0, ownerships: 0, anomalies: 0, repeatsAfterLease: 0 };
  const first: DatedAnomaly[] = [];
  const expired = trace.losses.filter(({ code }) => code === LEASE_EXPIRED);
  for (const [partition, events] of trace.partitions) {
    // One partition after another, so that only one is in memory as sets of keys.
    const judge = new PartitionJudge(partition, events, options);
    const found = judge.run();
    sum.attempts += judge.attempts.attempts;
    sum.inserts += judge.inserts.attempts;
    sum.records += new Set(events.events.map(({ attempt }) => attempt.offset)).size;
    sum.ownerships += new Set(events.events.map(({ attempt }) => attempt.fence)).size;
    sum.anomalies += found.length;
    sum.repeatsAfterLease += repeatsAfter(expired, events);
    first.push(...found.slice(0, LISTED));
  }
  first.sort((a, b) => a.time - b.time);
  const leaseEnds = expired.map(({ time }) => time);
  return { ...sum, members: trace.members.length, first: first.slice(0, LISTED), leaseEnds };
}

class PartitionJudge {
  readonly attempts = new AttemptHistory('key');
  readonly inserts = new AttemptHistory('key');
  private readonly found: DatedAnomaly[] = [];
  private readonly seen = new Map<AttemptEvent['attempt'], SeenAttempt>();

  constructor(
    private readonly partition: number,
    private readonly trace: PartitionTrace,
    private readonly options: JudgeOptions,
  ) {}

  run(): DatedAnomaly[] {
    const { partition, trace, options } = this;
    for (const [offset, key] of options.keys.get(partition) ?? [])
      for (const history of [this.attempts, this.inserts])
        history.appended({ topic: options.topic, partition, offset, key });
    this.begin();
    const deadLetters = deadLettersAt(trace.events, (offset) => options.isDeadLetter(partition, offset));
    for (const event of trace.events) {
      const { attempts, inserts } = this;
      const seen = this.seenOf(event.attempt);
      if (event.type === 'started') this.watch(event, attempts, () => attempts.started(seen));
      else if (event.type === 'insert-begins') this.watch(event, inserts, () => inserts.started(seen));
      else (event.type === 'ended' ? attempts : inserts).ended(seen, event.ending);
      if (deadLetters.has(event)) for (const history of [attempts, inserts]) history.deadLettered(seen.record);
    }
    return this.found;
  }

  /** Each ownership knows what it has read; and that must not be behind a commit that was acknowledged before. */
  private begin(): void {
    const { partition, options } = this;
    for (const { fence, offset, metadata, member, requestedAt } of this.trace.beginnings) {
      const committed = new CommittedRecords(new Map([[partition, { offset, metadata }]]));
      for (const history of [this.attempts, this.inserts])
        history.began(options.topic, partition, fence, (each) => committed.has({ partition, offset: each }));
      const before = this.trace.commits.filter(({ time }) => time < requestedAt);
      const acknowledged = before.reduce((highest, commit) => Math.max(highest, commit.offset), 0);
      if (offset >= acknowledged) continue;
      const text = `P3: the ownership ${fence} of ${options.topic}-${partition} by ${member} began at ${offset}, although ${acknowledged} was committed`;
      this.found.push({ promise: 'P3', text, time: requestedAt, events: [] });
    }
  }

  private watch(event: AttemptEvent, history: AttemptHistory, report: () => void): void {
    const before = history.anomalies.length;
    report();
    const what = event.type === 'insert-begins' ? ' (insert)' : '';
    for (const { promise, text } of history.anomalies.slice(before)) {
      const events = this.found.length < LISTED ? this.eventsUntil(event) : [];
      this.found.push({ promise, text: `${text}${what}`, time: event.time, events });
    }
  }

  private eventsUntil({ time, attempt }: AttemptEvent): string[] {
    const keys = this.options.keys.get(this.partition);
    const key = keys?.get(attempt.offset);
    return this.trace.events
      .filter((event) => event.time <= time && keys?.get(event.attempt.offset) === key)
      .slice(-EVENTS_LISTED)
      .map((event) => {
        const { offset, fence, member } = event.attempt;
        const ending = 'ending' in event ? ` ${event.ending}` : '';
        return `${event.time.toFixed(3)} ${event.type}${ending}: offset ${offset}, fence ${fence}, ${member}`;
      });
  }

  private seenOf(traced: AttemptEvent['attempt']): SeenAttempt {
    const known = this.seen.get(traced);
    if (known !== undefined) return known;
    const { partition, options } = this;
    const { member, offset, fence, attempt } = traced;
    const key = options.keys.get(partition)?.get(offset) ?? null;
    const seen = {
      record: { topic: options.topic, partition, offset, key },
      member,
      fence,
      attempt,
      call: this.seen.size,
    };
    this.seen.set(traced, seen);
    return seen;
  }
}

/** Returns the last failed end of each dead-lettered record in each ownership. */
function deadLettersAt(events: readonly AttemptEvent[], isDeadLetter: (offset: number) => boolean): Set<AttemptEvent> {
  const last = new Map<string, AttemptEvent>();
  for (const event of events) {
    const { offset, fence } = event.attempt;
    if (event.type === 'ended' && event.ending === 'failed' && isDeadLetter(offset))
      last.set(`${offset}/${fence}`, event);
  }
  return new Set(last.values());
}

/** Counts the inserts of records that another member had begun to insert, with success, before its lease ended: too late to commit them. */
function repeatsAfter(expired: AttemptTrace['losses'], { events }: PartitionTrace): number {
  const begun = new Map<AttemptEvent['attempt'], number>();
  const inserted = new Map<number, AttemptEvent['attempt']>();
  let repeats = 0;
  for (const { type, time, attempt, ...event } of events) {
    if (type === 'insert-ended' && 'ending' in event && event.ending === 'done') inserted.set(attempt.offset, attempt);
    if (type !== 'insert-begins') continue;
    begun.set(attempt, time);
    const before = inserted.get(attempt.offset);
    if (before === undefined || before.fence === attempt.fence) continue;
    const since = begun.get(before) ?? time;
    if (expired.some((end) => end.member === before.member && end.time > since && end.time < time)) repeats += 1;
  }
  return repeats;
}
