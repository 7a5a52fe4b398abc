import type { Ordering } from '../window/ordering.js';

/** A record of a topic. */
export interface HistoricRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
}

/** An attempt as a sink saw it begin. Records of one call of a batch handler share `call`, and begin in the order of their array. */
export interface SeenAttempt {
  readonly record: HistoricRecord;
  readonly member: string;
  /** The attempt's fence: it names the ownership, and is higher for each later one of the partition. */
  readonly fence: number;
  readonly call: string | number;
  readonly attempt: number;
}

/** Which promise of the documents a history breaks, and how. */
export interface Anomaly {
  /**
   * - `P1`: within an ownership an attempt began before all older records of its key were closed, or a closed record began again
   * - `P2`: two attempts of a record overlapped within an ownership
   * - `P3`: a record began that was committed or listed as completed before its ownership read its position
   * - `P4`: an attempt began after a later ownership of its partition had begun work
   */
  readonly promise: 'P1' | 'P2' | 'P3' | 'P4';
  readonly text: string;
}

/** What one ownership did with the records of one key. */
interface OwnedKey {
  /** Records whose effect succeeded. */
  readonly done: Set<number>;
  /** Attempts that have not ended, by offset. */
  readonly running: Map<number, SeenAttempt>;
  /** Records that began and did not succeed. */
  readonly open: Set<number>;
  /** All older records were closed when this one began. */
  floor: number;
  /** How many of the first records are all closed for it. They stay so. */
  closedPrefix: number;
}

/** The records of one key, or of one partition that is ordered as a whole. */
interface KeyHistory {
  /** Records of the topic, in their order. */
  readonly records: HistoricRecord[];
  /** Offsets whose effect succeeded in any ownership, or that were dead-lettered. */
  readonly closed: Set<number>;
  readonly letters: Set<number>;
  readonly owners: Map<number, OwnedKey>;
}

/**
 * Remembers each attempt of all members of a group, as a sink does that only appends, and finds what breaks the engine's promises about order
 * and ownership. An idempotent sink hides them: work of a member that has lost its partition leaves no trace there.
 *
 * Report all events in the order of one monotonic clock. It knows the promises P1 to P4 of the project's docs/guarantees.md, and nothing else: a record may be
 * repeated by a later ownership, work that was under way may end after its ownership, and records without a key have no order.
 */
export class AttemptHistory {
  readonly anomalies: Anomaly[] = [];
  attempts = 0;
  private readonly keys = new Map<string, KeyHistory>();
  /** The highest fence that began an attempt, by partition. */
  private readonly fences = new Map<string, number>();
  /** What was closed when an ownership read its position, by partition and fence. */
  private readonly beginnings = new Map<string, (offset: number) => boolean>();

  constructor(private readonly ordering: Ordering) {}

  /** The topic has the record. Of each key, in the order of the offsets, and before its first attempt. */
  appended(record: HistoricRecord): void {
    this.keyOf(record).records.push(record);
  }

  /** The log has lost the records from an offset on: they need not be closed, and others may get their offsets. */
  truncated(topic: string, partition: number, end: number): void {
    for (const key of this.keys.values()) {
      const kept = key.records.findIndex((each) => isOf(each, topic, partition) && each.offset >= end);
      if (kept < 0) continue;
      for (const { offset } of key.records.splice(kept)) {
        for (const offsets of [key.closed, key.letters]) offsets.delete(offset);
        for (const { done, open, running } of key.owners.values())
          for (const offsets of [done, open, running]) offsets.delete(offset);
      }
      for (const owner of key.owners.values()) {
        owner.floor = Math.min(owner.floor, end);
        owner.closedPrefix = Math.min(owner.closedPrefix, kept);
      }
    }
  }

  /** An ownership has read its position. @param isClosed whether an offset was committed, or listed as completed, then */
  began(topic: string, partition: number, fence: number, isClosed: (offset: number) => boolean): void {
    this.beginnings.set(`${topic}-${partition}/${fence}`, isClosed);
  }

  /** The dead letter of the record, or its copy on a retry topic, is acknowledged. */
  deadLettered(record: HistoricRecord): void {
    const key = this.keyOf(record);
    for (const offsets of [key.closed, key.letters]) offsets.add(record.offset);
    for (const { open } of key.owners.values()) open.delete(record.offset);
  }

  /** The handler of an attempt was called. */
  started(seen: SeenAttempt): void {
    this.attempts += 1;
    const { record, fence } = seen;
    const name = `${record.topic}-${record.partition}`;
    const highest = this.fences.get(name) ?? fence;
    if (fence < highest) this.found('P4', seen, `began after the ownership ${highest} had begun work`);
    this.fences.set(name, Math.max(fence, highest));
    if (this.beginnings.get(`${name}/${fence}`)?.(record.offset) === true)
      this.found(
        'P3',
        seen,
        'began although it was committed, or listed as completed, before its ownership read its position',
      );
    const key = this.keyOf(record);
    const owner = ownerOf(key, fence);
    if (owner.running.has(record.offset)) this.found('P2', seen, 'began while another attempt of it was running');
    if (this.isOrdered(record)) this.checkOrder(seen, key, owner);
    owner.running.set(record.offset, seen);
    owner.open.add(record.offset);
  }

  /**
   * The handler of an attempt settled, whether or not the engine still waits for it.
   * @param outcome `untried`: the handler began nothing, as for a record behind a failed one in its batch
   */
  ended(seen: SeenAttempt, outcome: 'done' | 'failed' | 'untried'): void {
    const { record, fence } = seen;
    const key = this.keyOf(record);
    const { running, open, done } = ownerOf(key, fence);
    if (running.get(record.offset) === seen) running.delete(record.offset);
    if (outcome === 'untried') open.delete(record.offset);
    if (outcome !== 'done') return;
    done.add(record.offset);
    open.delete(record.offset);
    key.closed.add(record.offset);
  }

  /** The engine waits no longer for the attempt: another one of the record may overlap with it. */
  abandoned(seen: SeenAttempt): void {
    const { record, fence } = seen;
    const { running } = ownerOf(this.keyOf(record), fence);
    if (running.get(record.offset) === seen) running.delete(record.offset);
  }

  private checkOrder(seen: SeenAttempt, key: KeyHistory, owner: OwnedKey): void {
    const { record, call } = seen;
    const { offset } = record;
    if (owner.done.has(offset)) this.found('P1', seen, 'began again although this ownership had closed it');
    else if (offset < owner.floor) this.found('P1', seen, `began after the newer record ${owner.floor}`);
    const inCall = new Set(
      [...owner.running.values()].filter((each) => each.call === call).map((each) => each.record.offset),
    );
    const newer = [...inCall].find((each) => each > offset);
    if (newer !== undefined) this.found('P1', seen, `stands behind the newer record ${newer} in its batch`);
    for (const older of owner.open)
      if (older < offset && !inCall.has(older))
        return this.found('P1', seen, `began before this ownership had closed ${older}`);
    const open = this.firstOpen(seen, key, owner, inCall);
    if (open !== undefined) return this.found('P1', seen, `began before ${open} was closed`);
    // The records behind it in its batch count only once it has succeeded.
    if (inCall.size === 0) owner.floor = Math.max(owner.floor, offset);
  }

  /** @returns the first older record of the key that the ownership can't have taken for closed */
  private firstOpen(
    { record, fence }: SeenAttempt,
    { records, closed, letters }: KeyHistory,
    owner: OwnedKey,
    inCall: ReadonlySet<number>,
  ): number | undefined {
    const { done } = owner;
    const before = this.beginnings.get(`${record.topic}-${record.partition}/${fence}`);
    // Without its beginning, it is unknown which of the records that others have closed the ownership knew to be closed.
    const isClosed = (offset: number): boolean =>
      before === undefined ? closed.has(offset) : done.has(offset) || letters.has(offset) || before(offset);
    for (let next = records[owner.closedPrefix]; next !== undefined && isClosed(next.offset);) {
      owner.closedPrefix += 1;
      next = records[owner.closedPrefix];
    }
    for (let at = owner.closedPrefix; at < records.length; at += 1) {
      const older = records[at]?.offset ?? Number.POSITIVE_INFINITY;
      if (older >= record.offset) return undefined;
      if (!isClosed(older) && !inCall.has(older)) return older;
    }
    return undefined;
  }

  private isOrdered({ key }: HistoricRecord): boolean {
    return this.ordering === 'partition' || (this.ordering === 'key' && key !== null);
  }

  private keyOf(record: HistoricRecord): KeyHistory {
    const { topic, partition, key } = record;
    const name =
      this.isOrdered(record) && this.ordering === 'key' ? `${topic}-${partition}/${key}` : `${topic}-${partition}`;
    const known = this.keys.get(name) ?? {
      records: [],
      closed: new Set(),
      letters: new Set(),
      owners: new Map(),
    };
    this.keys.set(name, known);
    return known;
  }

  private found(promise: Anomaly['promise'], { record, member, fence, attempt }: SeenAttempt, how: string): void {
    const { topic, partition, offset, key } = record;
    const who = `attempt ${attempt} of ${topic}-${partition} offset ${offset} (key ${key}) by ${member} (fence ${fence})`;
    this.anomalies.push({ promise, text: `${promise}: ${who} ${how}` });
  }
}

/** A sink that refuses the work of an older owner than it has seen, as `attempt.fence` allows: its history is strict. */
export class FencedSink {
  readonly anomalies: string[] = [];
  /** Number of effects that were refused. */
  refused = 0;
  private readonly fences = new Map<string, number>();
  private readonly last = new Map<string, { readonly fence: number; readonly offset: number }>();

  constructor(private readonly ordering: Ordering) {}

  /** Applies the effect of an attempt, unless a later owner of the partition has applied one. @returns whether it was applied */
  apply({ record, fence }: Pick<SeenAttempt, 'record' | 'fence'>): boolean {
    const { topic, partition, offset, key } = record;
    const name = `${topic}-${partition}`;
    if (fence < (this.fences.get(name) ?? fence)) {
      this.refused += 1;
      return false;
    }
    this.fences.set(name, fence);
    if (this.ordering === 'unordered' || (this.ordering === 'key' && key === null)) return true;
    const ordered = this.ordering === 'key' ? `${name}/${key}` : name;
    const before = this.last.get(ordered);
    if (before?.fence === fence && offset <= before.offset)
      this.anomalies.push(`${name} offset ${offset} (key ${key}, fence ${fence}) was applied after ${before.offset}`);
    this.last.set(ordered, { fence, offset });
    return true;
  }
}

function ownerOf(key: KeyHistory, fence: number): OwnedKey {
  const known = key.owners.get(fence) ?? {
    done: new Set<number>(),
    running: new Map<number, SeenAttempt>(),
    open: new Set<number>(),
    floor: -1,
    closedPrefix: 0,
  };
  key.owners.set(fence, known);
  return known;
}

function isOf(record: HistoricRecord, topic: string, partition: number): boolean {
  return record.topic === topic && record.partition === partition;
}
