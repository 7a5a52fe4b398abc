import type { ParallelConsumerOptions, ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';
import { decodeCompletedOffsets } from '../../../libs/parallel-consumer/src/commits/completed-offsets.js';
import { AttemptHistory, type SeenAttempt } from '@orders-pipeline/parallel-consumer/testing';

/** The content of a record in base64; null stays null. */
export interface RecordBytes {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string | null>>;
}

interface RecordContent {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | null | undefined>>;
}

/** Encodes a record's bytes for a message between processes. */
export function toRecordBytes({ key, value, headers }: RecordContent): RecordBytes {
  const named = Object.entries(headers).map(([name, header]) => [name, toBase64(header)]);
  return { key: toBase64(key), value: toBase64(value), headers: Object.fromEntries(named) };
}

function toBase64(bytes: Buffer | null | undefined): string | null {
  return bytes?.toString('base64') ?? null;
}

/** The engine's options for a member. Any option that JSON can represent may be added. */
export type EngineSettings = Pick<
  ParallelConsumerOptions,
  | 'inFlight'
  | 'maxBuffered'
  | 'maxAttempts'
  | 'attemptTimeoutMs'
  | 'attemptGraceMs'
  | 'commitIntervalMs'
  | 'commitCompletedOffsets'
  | 'drainTimeoutMs'
  | 'onDeletedRecords'
  | 'onTruncatedLog'
>;

/** The settings of a member process, passed on its command line. */
export interface MemberSettings {
  /** `host:port`, separated by commas. */
  readonly brokers: string;
  readonly topic: string;
  readonly groupId: string;
  readonly deadLetterTopic: string;
  /** The maximum duration of a handler in ms; each one waits for a random time from 0 to this, drawn from the seed. */
  readonly handlerMs: number;
  readonly seed: number;
  readonly sessionTimeoutMs: number;
  /** Default `eager`. */
  readonly rebalancing?: 'eager' | 'cooperative';
  /** A topic that gets an output for each record, by `produceHandler`, with the member's name in the header `member`. Default: none. */
  readonly outputTopic?: string;
  /** Whether handlers of records that behave as `wait` wait for their signal. Default false: it handles them as others. */
  readonly waitsForAbort?: boolean;
  /** Local ports of servers, each with the port to which this member connects instead. Default: none. */
  readonly redirectedPorts?: Readonly<Record<number, number>>;
  /** Whether reported records contain their bytes. Default false: text is enough for records that a test numbered. */
  readonly reportsBytes?: boolean;
  readonly engine: EngineSettings;
}

/** The header of a record that makes the handler misbehave. */
export const BEHAVIOUR_HEADER = 'behaviour';
/**
 * - `stall`: the handler never settles
 * - `poison`: it throws an error with the code `poison`, which is classified as poison
 * - `wait`: it waits until its signal aborts, if the member `waitsForAbort`
 */
export type Behaviour = 'stall' | 'poison' | 'wait';

/** A record, as text. */
interface ReportedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** null for a record without a key. */
  readonly key: string | null;
  readonly value: string;
  /** Only with `reportsBytes`. */
  readonly bytes?: RecordBytes;
}

/** A line that the engine logged. */
export interface LogLine {
  readonly at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A committed position that the member reads from. */
interface ReadPosition extends Commit {
  readonly partition: number;
}

/** The end of an attempt; `untried`: the handler began nothing. */
export type AttemptOutcome = 'done' | 'failed' | 'untried';

/**
 * A message from a member to the test that started it, in the order of what happened there; `at` is a time of `monotonicMicroseconds`.
 * The kernel has the message of an attempt's end before its handler settles, so no kill can lose an effect.
 */
export type MemberMessage =
  | {
      readonly kind: 'started';
      readonly at: number;
      /** Number of the handler's call in its process. */
      readonly call: number;
      readonly record: ReportedRecord;
      readonly fence: number;
      readonly attempt: number;
    }
  | { readonly kind: 'ended'; readonly at: number; readonly call: number; readonly outcome: AttemptOutcome }
  | { readonly kind: 'positions'; readonly positions: readonly ReadPosition[] }
  | { readonly kind: 'log'; readonly line: LogLine }
  | { readonly kind: 'status'; readonly status: ParallelConsumerStatus };

/** The only request from a test to a member; a member stops on SIGTERM. */
export const STATUS_REQUEST = 'status';

/** Returns the time by the machine's monotonic clock, which all processes share. */
export function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** A partition's commit, as Kafka stores it. */
export interface Commit {
  /** -1 if nothing is committed. */
  readonly offset: number;
  readonly metadata: string;
}

/** The records that a group had committed at one moment, by the committed offsets and the completed offsets in their metadata. */
export class CommittedRecords {
  private readonly completed: ReadonlyMap<number, readonly { readonly from: number; readonly to: number }[]>;

  constructor(commits: ReadonlyMap<number, Commit>) {
    this.completed = new Map(
      [...commits].map(([partition, { offset, metadata }]) => [
        partition,
        [{ from: 0, to: offset }, ...(decodeCompletedOffsets(metadata, offset)?.finished ?? [])],
      ]),
    );
  }

  /** Whether the metadata of a commit lists completed offsets. */
  get hasMap(): boolean {
    return [...this.completed.values()].some(({ length }) => length > 1);
  }

  has({ partition, offset }: { readonly partition: number; readonly offset: number }): boolean {
    return (this.completed.get(partition) ?? []).some(({ from, to }) => from <= offset && offset < to);
  }
}

type Report<K extends MemberMessage['kind']> = Extract<MemberMessage, { readonly kind: K }>;

/** An attempt, as its member reported it. Times are microseconds of the machine's monotonic clock. */
export interface ReportedAttempt extends SeenAttempt {
  readonly record: ReportedRecord;
  readonly startedAt: number;
  /** Undefined while its handler runs, and when its member was killed. */
  end?: { readonly outcome: Report<'ended'>['outcome']; readonly at: number };
}

/** A record whose handler succeeded, and the member that called it. */
interface SeenEffect extends ReportedRecord {
  readonly member: string;
}

/** What a history learns, and when it happened. */
interface Event {
  readonly at: number;
  readonly replay: (history: AttemptHistory) => void;
}

/**
 * The attempts and effects of all members of a group, kept in the test's process, where they survive kills of members. It only appends: each
 * attempt stays visible, also that of a member that no longer owns the partition.
 */
export class Effects {
  /** All attempts; those of one member in their order. */
  readonly attempts: ReportedAttempt[] = [];
  private readonly seen: SeenEffect[] = [];
  private readonly first = new Map<string, SeenEffect>();
  private readonly again: SeenEffect[] = [];
  private readonly events: Event[] = [];
  private readonly calls = new Map<string, ReportedAttempt>();
  private readonly records = new Map<string, ReportedRecord>();
  /** What was committed when a member last read its position, by member and partition. */
  private readonly positions = new Map<string, CommittedRecords>();
  private readonly ownerships = new Set<string>();

  add(member: string, report: Exclude<MemberMessage, Report<'status'>>): void {
    switch (report.kind) {
      case 'positions':
        for (const { partition, ...commit } of report.positions)
          this.positions.set(`${member}/${partition}`, new CommittedRecords(new Map([[partition, commit]])));
        break;
      case 'started':
        this.started(member, report);
        break;
      case 'ended':
        this.ended(member, report);
        break;
      case 'log':
        this.logged(member, report.line);
        break;
    }
  }

  /** The number of records handled at least once. */
  get handled(): number {
    return this.first.size;
  }

  has(partition: number, offset: number): boolean {
    return this.first.has(nameOf({ partition, offset }));
  }

  /** Returns the first effects of a partition's records, in offset order. */
  inPartition(partition: number): SeenEffect[] {
    return this.all()
      .filter((effect) => effect.partition === partition)
      .toSorted((a, b) => a.offset - b.offset);
  }

  /** Returns the first effect of each record. */
  all(): SeenEffect[] {
    return [...this.first.values()];
  }

  /** Returns the values of all records handled at least once. */
  values(): Set<string> {
    return new Set(this.all().map(({ value }) => value));
  }

  /** Returns the effects of records that had been handled before, each with the first one. */
  repeats(): { readonly first: SeenEffect; readonly again: SeenEffect }[] {
    return this.again.flatMap((again) => {
      const first = this.first.get(nameOf(again));
      return first === undefined ? [] : [{ first, again }];
    });
  }

  by(member: string): SeenEffect[] {
    return this.seen.filter((effect) => effect.member === member);
  }

  /** Returns how the attempts of all members break the engine's promises about order and ownership: see `AttemptHistory`. */
  anomalies(): string[] {
    const history = new AttemptHistory('key');
    for (const record of [...this.records.values()].toSorted((a, b) => a.offset - b.offset)) history.appended(record);
    // Stable: events of one member at the same microsecond stay in their order.
    for (const { replay } of this.events.toSorted((a, b) => a.at - b.at)) replay(history);
    return history.anomalies.map(({ text }) => text);
  }

  private started(member: string, { at, call, record, ...attempt }: Report<'started'>): void {
    const name = `${member}/${call}`;
    const seen: ReportedAttempt = { ...attempt, record, member, call: name, startedAt: at };
    this.attempts.push(seen);
    this.calls.set(name, seen);
    if (!this.records.has(nameOf(record))) this.records.set(nameOf(record), record);
    this.began(seen);
    this.events.push({ at, replay: (history) => history.started(seen) });
  }

  /** Each ownership begins at the position that its member has read before its first attempt. */
  private began({ record: { topic, partition }, fence, member, startedAt }: ReportedAttempt): void {
    const committed = this.positions.get(`${member}/${partition}`);
    const ownership = `${partition}/${fence}`;
    if (committed === undefined || this.ownerships.has(ownership)) return;
    this.ownerships.add(ownership);
    const isClosed = (offset: number): boolean => committed.has({ partition, offset });
    this.events.push({ at: startedAt, replay: (history) => history.began(topic, partition, fence, isClosed) });
  }

  private ended(member: string, { call, outcome, at }: Report<'ended'>): void {
    const attempt = this.calls.get(`${member}/${call}`);
    if (attempt === undefined) throw new Error(`${member} ended the unknown call ${call}`);
    attempt.end = { outcome, at };
    this.events.push({ at, replay: (history) => history.ended(attempt, outcome) });
    if (outcome !== 'done') return;
    const effect = { ...attempt.record, member };
    this.seen.push(effect);
    const name = nameOf(effect);
    if (this.first.has(name)) this.again.push(effect);
    else this.first.set(name, effect);
  }

  /** Only the engine's log names the records that it has dead-lettered, and the attempts that it has abandoned. */
  private logged(member: string, { at, message, details }: LogLine): void {
    const { partition, offset } = details as { readonly partition: number; readonly offset: number };
    const record = this.records.get(nameOf({ partition, offset }));
    if (message === 'record dead-lettered' && record !== undefined)
      this.events.push({ at, replay: (history) => history.deadLettered(record) });
    if (!message.startsWith('attempt abandoned')) return;
    const abandoned = this.attempts.findLast(
      (each) => each.member === member && each.record.offset === offset && each.record.partition === partition,
    );
    if (abandoned !== undefined) this.events.push({ at, replay: (history) => history.abandoned(abandoned) });
  }
}

function nameOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}:${offset}`;
}
