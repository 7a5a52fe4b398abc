import type { OutgoingRecord, Position } from '../record.js';
import {
  MetadataRefusedError,
  type Broker,
  type BrokerHealth,
  type BrokerListener,
  type CommittedPosition,
  type TopicPartition,
} from '../kafka/broker.js';
import type { FakeGroup, GroupMember } from './fake-group.js';
import type { FakeKafka } from './fake-kafka.js';

const FETCH_SIZE = 100;
const MAX_METADATA = 4_096;
let members = 0;

export interface FakeBrokerOptions {
  readonly topic: string;
  readonly groupId: string;
  /** `manual` (the default): a spec says when to `fetch`. `auto`: as soon as there is something. */
  readonly fetching?: 'manual' | 'auto';
}

/** One member of a group of the fake Kafka: it fetches, commits and rebalances as the real one does. */
export class FakeBroker implements Broker, GroupMember {
  readonly id: string;
  readonly topic: string;
  readonly group: FakeGroup;
  owned: readonly number[] = [];
  /** Makes the next calls fail. */
  failing: { commit?: Error; committed?: Error; publish?: Error } = {};
  heartbeats = 0;
  /** Partitions that were committed without being assigned: Kafka lets that pass. */
  readonly strayCommits: number[] = [];
  private readonly positions = new Map<number, number>();
  private readonly stopped = new Set<number>();
  private listener: BrokerListener | undefined;
  private generation = -1;
  private expired = false;
  private ended = false;
  private round: Promise<void> = Promise.resolve();
  private awake: (() => void) | undefined;

  constructor(
    private readonly kafka: FakeKafka,
    private readonly options: FakeBrokerOptions,
  ) {
    members += 1;
    this.id = `member-${String(members).padStart(6, '0')}`;
    this.topic = options.topic;
    this.group = kafka.group(options.groupId);
  }

  get health(): BrokerHealth {
    return { joined: this.generation >= 0 && !this.group.rebalanceDue, lastContactAt: Number.POSITIVE_INFINITY };
  }

  async start(listener: BrokerListener): Promise<void> {
    this.listener = listener;
    await this.group.join(this);
    if (this.options.fetching === 'auto') void this.fetchForever();
  }

  async committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]> {
    if (this.failing.committed) throw this.failing.committed;
    return partitions.map((each) => {
      const committed = this.group.committed(each);
      return { ...committed, from: committed.offset ?? this.kafka.log(each.topic, each.partition).start };
    });
  }

  async commit(positions: readonly Position[]): Promise<void> {
    if (this.failing.commit) throw this.failing.commit;
    if (this.expired || !this.group.has(this)) throw new Error('UNKNOWN_MEMBER_ID');
    if (this.generation !== this.group.generation) throw new Error('ILLEGAL_GENERATION');
    if (positions.some(({ metadata = '' }) => metadata.length > MAX_METADATA))
      throw new MetadataRefusedError('OFFSET_METADATA_TOO_LARGE');
    for (const { topic, partition, offset, metadata = '' } of positions) {
      if (!this.owned.includes(partition)) this.strayCommits.push(partition);
      this.group.positions.set(`${topic}-${partition}`, { offset, metadata });
    }
  }

  async publish(topic: string, record: OutgoingRecord): Promise<void> {
    if (this.failing.publish) throw this.failing.publish;
    if (this.ended) throw new Error('the producer was closed');
    this.kafka.produce(topic, record);
  }

  async stop(): Promise<void> {
    this.kill();
  }

  /** The process is gone: nothing of it reaches Kafka any more, whatever still runs. */
  kill(): void {
    this.listener = undefined;
    this.generation = -1;
    this.ended = true;
    this.wake();
    // Whoever leaves doesn't wait for the others, who may have to drain first.
    void this.group.leave(this);
  }

  /** Its session is over: the group goes on without it, which it learns when it rejoins. Its commits fail until then. */
  expire(): void {
    this.expired = true;
    void this.group.leave(this);
  }

  /** The next fetch of a partition begins further on than it should, as one of an earlier membership of kafkajs may. */
  misplace(partition: number, by: number): void {
    const last = this.kafka.log(this.topic, partition).records.at(-1)?.offset;
    const position = this.positions.get(partition);
    if (last === undefined || position === undefined || position >= last) return;
    this.positions.set(partition, Math.min(position + by, last));
  }

  /** Joins again after its session was over, as another member. */
  async rejoin(): Promise<void> {
    this.owned = [];
    await this.group.join(this);
  }

  /** One fetch of every assigned partition, handed to the engine one after another. */
  async fetch(): Promise<void> {
    this.round = this.round.then(() => this.fetchAll());
    await this.round;
  }

  /** The group is rebalancing: ends the fetch under way, and lets the engine drain. */
  async prepareToJoin(): Promise<void> {
    await this.round;
    await this.listener?.rebalancing();
  }

  assign(partitions: readonly number[]): void {
    const kept = this.generation >= 0 && !this.expired;
    this.expired = false;
    this.generation = this.group.generation;
    this.owned = partitions;
    this.positions.clear();
    this.stopped.clear();
    this.listener?.assigned(
      partitions.map((partition) => this.at(partition)),
      kept,
    );
    for (const partition of partitions)
      this.positions.set(
        partition,
        this.group.committed(this.at(partition)).offset ?? this.kafka.log(this.topic, partition).start,
      );
    this.wake();
  }

  wake(): void {
    this.awake?.();
  }

  private async fetchForever(): Promise<void> {
    while (this.listener !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.awake = resolve;
      await this.fetch();
      if (this.behind()) setTimeout(resolve, 1);
      await promise;
    }
  }

  private behind(): boolean {
    return this.owned.some(
      (partition) => (this.positions.get(partition) ?? 0) < this.kafka.log(this.topic, partition).end,
    );
  }

  private async fetchAll(): Promise<void> {
    for (const partition of this.owned) {
      if (this.group.rebalanceDue || this.listener === undefined) return;
      try {
        await this.fetchFrom(partition);
      } catch (error) {
        // As kafkajs: a rebalance comes, and a reset that could not be committed is tried again with the next fetch.
        if (!(error instanceof RebalanceDueError) && error !== this.failing.commit) throw error;
      }
    }
  }

  private async fetchFrom(partition: number): Promise<void> {
    const log = this.kafka.log(this.topic, partition);
    let position = this.positions.get(partition) ?? 0;
    if (this.stopped.has(partition)) return;
    if (position < log.start) {
      if (this.expired) return;
      const { offset } = this.group.committed(this.at(partition));
      if (!this.listener?.deleted(this.at(partition), offset, log.start)) {
        this.stopped.add(partition);
        return;
      }
      await this.commit([{ ...this.at(partition), offset: log.start }]);
      position = log.start;
    }
    if (position >= log.end) return;
    const records = log.records.filter(({ offset }) => offset >= position).slice(0, FETCH_SIZE);
    const more = log.records.some(({ offset }) => offset > (records.at(-1)?.offset ?? position));
    const lastOffset = more ? (records.at(-1)?.offset ?? position) : log.end - 1;
    const next = await this.hand(partition, position, records, lastOffset, log.end);
    if (this.generation === this.group.generation) this.positions.set(partition, next);
  }

  private async hand(
    partition: number,
    fetchOffset: number,
    records: ReturnType<FakeKafka['records']>,
    lastOffset: number,
    highWatermark: number,
  ): Promise<number> {
    if (records.length === 0) {
      this.listener?.skipped(this.at(partition), fetchOffset, lastOffset + 1);
      return lastOffset + 1;
    }
    const heartbeat = async (): Promise<void> => {
      this.heartbeats += 1;
      if (this.group.rebalanceDue) throw new RebalanceDueError('REBALANCE_IN_PROGRESS');
    };
    const batch = { ...this.at(partition), records, fetchOffset, lastOffset, highWatermark, heartbeat };
    return (await this.listener?.fetched(batch)) ?? lastOffset + 1;
  }

  private at(partition: number): TopicPartition {
    return { topic: this.topic, partition };
  }
}

class RebalanceDueError extends Error {
  override readonly name = 'RebalanceDueError';
}
