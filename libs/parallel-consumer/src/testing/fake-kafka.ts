import type { FetchedBatch, ReadResult, ReadPosition } from '../broker/broker.js';
import type { ConsumedRecord, OutgoingRecord } from '../records/record.js';
import type { EpochStart } from '../records/batch-extent.js';
import { UnreadableRecordsError, type UnreadableReason } from '../records/unreadable-records.js';
import { FakeGroup } from './fake-group.js';

interface Partition {
  /** Id of the log: 32 hexadecimal digits. */
  readonly id: string;
  records: ConsumedRecord[];
  /** One past the last offset, markers included. */
  end: number;
  /** The first offset that isn't deleted. */
  start: number;
  /** Leader epochs of the records, each with its first offset. */
  epochs: EpochStart[];
  /** First offsets of open transactions: reads return nothing from the lowest one on. */
  openTransactions: Set<number>;
  /** Set when the log contains a batch that can't be read, with its offset. */
  unreadable: UnreadableRecordsError | undefined;
}

/** An open transaction of `FakeKafka.beginTransaction`. */
export interface FakeTransaction {
  /** Appends a record; consumers receive it once the transaction is committed. */
  append(value: string, key?: string): void;
  /** Consumers never receive the records of an aborted transaction. */
  end(ending: 'commit' | 'abort'): void;
}

/** Properties of an appended record. */
export interface AppendOptions {
  /** A higher offset leaves a gap, as compaction does. Default: the next offset. */
  readonly offset?: number;
  readonly timestamp?: number;
  readonly headers?: Readonly<Record<string, Buffer>>;
}

/**
 * An in-memory Kafka for specs: topics, consumer groups with generations, commits with metadata. `Broker` documents the contract;
 * one contract suite runs on this fake and on the real Kafka.
 */
export class FakeKafka {
  private readonly topics = new Map<string, Partition[]>();
  private readonly groups = new Map<string, FakeGroup>();
  private logs = 0;
  private onChange: (() => void)[] = [];

  /** Creates a topic. An existing topic of that name is deleted first: its records are lost, and its log ids change. */
  createTopic(name: string, partitions: number): void {
    this.logs += 1;
    const id = String(this.logs).padStart(32, '0');
    this.topics.set(
      name,
      Array.from({ length: partitions }, () => ({
        id,
        records: [],
        end: 0,
        start: 0,
        epochs: [{ epoch: 0, offset: 0 }],
        openTransactions: new Set<number>(),
        unreadable: undefined,
      })),
    );
    this.wakeAll();
  }

  /** Deletes a topic with its records. */
  deleteTopic(name: string): void {
    this.topics.delete(name);
    this.wakeAll();
  }

  /** Resolves at the next change of any topic or log. */
  async nextChange(): Promise<void> {
    await new Promise<void>((resolve) => void this.onChange.push(resolve));
  }

  /** Returns 0 when the topic does not exist. */
  partitionCount(topic: string): number {
    return this.topics.get(topic)?.length ?? 0;
  }

  /** Returns the consumer group of that name, which exists from its first use. */
  group(groupId: string): FakeGroup {
    const group = this.groups.get(groupId) ?? new FakeGroup((topic) => this.topics.get(topic)?.length ?? 0);
    this.groups.set(groupId, group);
    return group;
  }

  /** Appends a record and wakes readers. @returns its offset */
  append(topic: string, partition: number, key: string | null, value: string, options: AppendOptions = {}): number {
    const log = this.log(topic, partition);
    const { offset = log.end, timestamp = 0, headers = {} } = options;
    const bytes = { key: key === null ? null : Buffer.from(key), value: Buffer.from(value) };
    const byteLength = (bytes.key?.length ?? 0) + bytes.value.length;
    log.records.push({ topic, partition, offset, ...bytes, headers, timestamp, byteLength });
    log.end = offset + 1;
    this.wakeAll();
    return offset;
  }

  /** Begins a transaction; several may be open on one partition. */
  beginTransaction(topic: string, partition: number): FakeTransaction {
    const log = this.log(topic, partition);
    const offsets = new Set<number>();
    return {
      append: (value, key) => {
        // Must precede the append, which wakes readers immediately.
        if (offsets.size === 0) log.openTransactions.add(log.end);
        offsets.add(this.append(topic, partition, key ?? null, value));
      },
      end: (ending) => {
        const [first] = offsets;
        if (first !== undefined) log.openTransactions.delete(first);
        if (ending === 'abort') log.records = log.records.filter(({ offset }) => !offsets.has(offset));
        this.appendMarker(topic, partition);
      },
    };
  }

  /** Appends the marker of a transaction: an offset that no consumer receives. */
  appendMarker(topic: string, partition: number): void {
    this.log(topic, partition).end += 1;
    this.wakeAll();
  }

  /** @throws Error for an unknown topic or partition */
  produce(topic: string, { partition, key, value, headers }: OutgoingRecord): void {
    const log = this.log(topic, partition);
    const record = { topic, partition, offset: log.end, timestamp: 0, value, byteLength: value?.length ?? 0 };
    const bytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const);
    log.records.push({ ...record, key: key === null ? null : Buffer.from(key), headers: Object.fromEntries(bytes) });
    log.end += 1;
  }

  /** Deletes the records before an offset, as retention does. */
  deleteBefore(topic: string, partition: number, offset: number): void {
    const log = this.log(topic, partition);
    log.records = log.records.filter((record) => record.offset >= offset);
    log.start = offset;
  }

  /** Truncates the log, as an unclean election does: the new leader has only the records below `end`. */
  truncate(topic: string, partition: number, end: number): void {
    const log = this.log(topic, partition);
    log.records = log.records.filter((record) => record.offset < end);
    log.end = end;
    const epoch = (log.epochs.at(-1)?.epoch ?? 0) + 1;
    log.epochs = [...log.epochs.filter(({ offset }) => offset < end), { epoch, offset: end }];
    this.wakeAll();
  }

  /** Appends a batch that no consumer can read, as after a disk fault. */
  appendUnreadable(topic: string, partition: number, code: UnreadableReason): void {
    const log = this.log(topic, partition);
    log.unreadable = new UnreadableRecordsError(code, log.end, `the batch at offset ${log.end} is unreadable`);
    log.end += 1;
    this.wakeAll();
  }

  /** Answers a read at a position; `undefined` while there are no records. */
  read(position: ReadPosition, maxRecords: number): ReadResult | undefined {
    const { topic, partition, offset, logId, leaderEpoch } = position;
    const log = this.topics.get(topic)?.[partition];
    if (log === undefined) return undefined;
    if (log.id !== logId) return { type: 'recreated', logId: log.id, earliest: log.start };
    if (offset < log.start) return { type: 'deleted', earliest: log.start };
    const { end, epoch } = findEpochEnd(log, leaderEpoch);
    if (offset > end) return { type: 'truncated', end, epoch };
    return offset >= stableEnd(log) ? undefined : toBatch(log, position, maxRecords);
  }

  /** Returns all records of a topic, partition by partition. */
  records(topic: string): ConsumedRecord[] {
    return (this.topics.get(topic) ?? []).flatMap(({ records }) => records);
  }

  /** Returns the log of a partition, which specs may change. @throws when it does not exist */
  log(topic: string, partition: number): Partition {
    const log = this.topics.get(topic)?.[partition];
    if (log === undefined) throw new Error(`the partition ${topic}-${partition} does not exist`);
    return log;
  }

  private wakeAll(): void {
    for (const group of this.groups.values()) group.wake();
    for (const resume of this.onChange.splice(0)) resume();
  }
}

/** Returns the last epoch of this log that is not above the given one, and its end offset. */
function findEpochEnd(
  { epochs, end }: Partition,
  leaderEpoch: number | undefined,
): { readonly end: number; readonly epoch: number | undefined } {
  if (leaderEpoch === undefined) return { end, epoch: undefined };
  const later = epochs.find(({ epoch }) => epoch > leaderEpoch);
  return { end: later?.offset ?? end, epoch: epochs.findLast(({ epoch }) => epoch <= leaderEpoch)?.epoch };
}

/** Returns the last stable offset: that of the first record of an open transaction, or the end of the log. */
function stableEnd({ openTransactions, end }: Partition): number {
  return Math.min(end, ...openTransactions);
}

function toBatch(log: Partition, { topic, partition, offset: fetchOffset }: ReadPosition, max: number): FetchedBatch {
  const { unreadable } = log;
  const end = Math.min(stableEnd(log), unreadable?.offset ?? Number.POSITIVE_INFINITY);
  const ahead = log.records.filter(({ offset }) => offset >= fetchOffset && offset < end);
  const records = ahead.slice(0, max);
  const isBeforeUnreadable = unreadable !== undefined && records.length === ahead.length;
  const lastOffset = ahead.length > records.length ? (records.at(-1)?.offset ?? fetchOffset) : end - 1;
  return {
    type: 'records',
    topic,
    partition,
    records: isBeforeUnreadable ? throwingAfter(records, unreadable) : records.values(),
    fetchOffset,
    lastOffset,
    highWatermark: log.end,
    epochs: log.epochs.filter(({ offset }) => offset <= lastOffset),
  };
}

function* throwingAfter(records: readonly ConsumedRecord[], error: Error): Generator<ConsumedRecord, undefined> {
  yield* records;
  throw error;
}
