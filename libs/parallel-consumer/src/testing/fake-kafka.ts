import type { ConsumedRecord, OutgoingRecord } from '../record.js';
import { FakeGroup } from './fake-group.js';

interface Partition {
  records: ConsumedRecord[];
  /** One past the last offset, markers included. */
  end: number;
  /** The first offset that isn't deleted. */
  start: number;
}

export interface AppendOptions {
  /** Leaves a gap before it, as compaction does. Default: the next one. */
  readonly offset?: number;
  readonly timestamp?: number;
  readonly headers?: Readonly<Record<string, Buffer>>;
}

/**
 * Kafka in memory, for specs: topics, consumer groups with generations, commits with metadata. What the engine may rely on
 * is stated at `Broker`; one contract suite runs on this and on the real one.
 */
export class FakeKafka {
  private readonly topics = new Map<string, Partition[]>();
  private readonly groups = new Map<string, FakeGroup>();

  createTopic(name: string, partitions: number): void {
    this.topics.set(
      name,
      Array.from({ length: partitions }, () => ({ records: [], end: 0, start: 0 })),
    );
  }

  group(groupId: string): FakeGroup {
    const group = this.groups.get(groupId) ?? new FakeGroup((topic) => this.topics.get(topic)?.length ?? 0);
    this.groups.set(groupId, group);
    return group;
  }

  append(topic: string, partition: number, key: string | null, value: string, options: AppendOptions = {}): number {
    const log = this.log(topic, partition);
    const { offset = log.end, timestamp = 0, headers = {} } = options;
    const bytes = { key: key === null ? null : Buffer.from(key), value: Buffer.from(value) };
    log.records.push({ topic, partition, offset, ...bytes, headers, timestamp });
    log.end = offset + 1;
    this.wakeAll();
    return offset;
  }

  /** What a transaction leaves behind its records: an offset that no consumer is ever handed. */
  appendMarker(topic: string, partition: number): void {
    this.log(topic, partition).end += 1;
    this.wakeAll();
  }

  /** @throws Error for a topic or partition that isn't there */
  produce(topic: string, { partition, key, value, headers }: OutgoingRecord): void {
    const log = this.log(topic, partition);
    const record = { topic, partition, offset: log.end, timestamp: 0, value };
    const bytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const);
    log.records.push({ ...record, key: key === null ? null : Buffer.from(key), headers: Object.fromEntries(bytes) });
    log.end += 1;
  }

  /** Deletes all before an offset, as retention does. */
  deleteBefore(topic: string, partition: number, offset: number): void {
    const log = this.log(topic, partition);
    log.records = log.records.filter((record) => record.offset >= offset);
    log.start = offset;
  }

  /** Everything that a topic holds, partition by partition. */
  records(topic: string): ConsumedRecord[] {
    return (this.topics.get(topic) ?? []).flatMap(({ records }) => records);
  }

  log(topic: string, partition: number): Partition {
    const log = this.topics.get(topic)?.[partition];
    if (log === undefined) throw new Error(`there is no partition ${topic}-${partition}`);
    return log;
  }

  private wakeAll(): void {
    for (const group of this.groups.values()) group.wake();
  }
}
