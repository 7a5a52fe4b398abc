import type { ReadPosition, ReadResult } from '../broker/broker.js';
import { eachHeader, type ConsumedRecord, type OutgoingRecord } from '../records/record.js';
import { UnreadableRecordsError, type UnreadableReason } from '../records/unreadable-records.js';
import { FakeGroup } from './fake-group.js';
import { readLog, type FakeLog } from './fake-log.js';

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
  private readonly topics = new Map<string, FakeLog[]>();
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
    log.records.push({ topic, partition, offset, ...bytes, valueText: value, headers, timestamp, byteLength });
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
  produce(topic: string, { partition, key, value, headers }: OutgoingRecord, timestamp = 0): void {
    const log = this.log(topic, partition);
    const valueText = value && String(value);
    const record = { topic, partition, offset: log.end, timestamp, value, valueText, byteLength: value?.length ?? 0 };
    const headerList = eachHeader(headers).map(
      ([name, text]) => [name, text === null ? null : Buffer.from(text)] as const,
    );
    const byName = Object.fromEntries(headerList.map(([name, bytes]) => [name, bytes ?? undefined]));
    log.records.push({ ...record, key: key === null ? null : Buffer.from(key), headers: byName, headerList });
    log.end += 1;
    this.wakeAll();
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
    const log = this.topics.get(position.topic)?.[position.partition];
    return log === undefined ? undefined : readLog(log, position, maxRecords);
  }

  /** Returns all records of a topic, partition by partition. */
  records(topic: string): ConsumedRecord[] {
    return (this.topics.get(topic) ?? []).flatMap(({ records }) => records);
  }

  /** Returns the log of a partition, which specs may change. @throws when it does not exist */
  log(topic: string, partition: number): FakeLog {
    const log = this.topics.get(topic)?.[partition];
    if (log === undefined) throw new Error(`the partition ${topic}-${partition} does not exist`);
    return log;
  }

  private wakeAll(): void {
    for (const group of this.groups.values()) group.wake();
    for (const resume of this.onChange.splice(0)) resume();
  }
}
