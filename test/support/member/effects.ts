import { AttemptHistory, type SeenAttempt } from '@orders-pipeline/parallel-consumer/testing';
import { CommittedRecords } from './committed-records.js';
import type { LogLine, MemberMessage, ReportedRecord } from './member-messages.js';

type Report<K extends MemberMessage['kind']> = Extract<MemberMessage, { readonly kind: K }>;

/** An attempt, as its member reported it. Times are microseconds of the machine's monotonic clock. */
export interface ReportedAttempt extends SeenAttempt {
  readonly record: ReportedRecord;
  readonly startedAt: number;
  /** Undefined while its handler runs, and when its member was killed. */
  end?: { readonly outcome: Report<'ended'>['outcome']; readonly at: number };
}

/** A record whose handler succeeded, and the member that called it. */
export interface SeenEffect extends ReportedRecord {
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
