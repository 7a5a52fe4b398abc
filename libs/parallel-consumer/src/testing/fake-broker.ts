import { systemClock, type Clock } from '@orders-pipeline/clock';
import type { OutgoingRecord, Position } from '../records/record.js';
import {
  MetadataRejectedError,
  PartitionsRejectedError,
  partitionName,
  type Broker,
  type BrokerFailure,
  type BrokerHealth,
  type BrokerListener,
  type CommittedPosition,
  type ReadResult,
  type ReadPosition,
  type TopicPartition,
} from '../broker/broker.js';
import type { Rebalancing } from '../kafka/owned-partitions.js';
import type { FakeGroup, GroupMember } from './fake-group.js';
import type { FakeKafka } from './fake-kafka.js';
import { settle } from '@orders-pipeline/clock/testing';

const FETCH_SIZE = 100;
const MAX_METADATA = 4_096;
let members = 0;

/** The topics and the group that a `FakeBroker` joins. */
export interface FakeBrokerOptions {
  /** The topic that is read, or several. */
  readonly topic: string | readonly string[];
  readonly groupId: string;
  /** `manual` (the default): the spec calls `fetch`. `auto`: reads are answered as soon as there are records. */
  readonly fetching?: 'manual' | 'auto';
  /** As the real broker's. Default `eager`. */
  readonly rebalancing?: Rebalancing;
  /** Source of the times in `health`, and of the records that it publishes. Default `systemClock`; pass the clock of the consumer. */
  readonly clock?: Clock;
}

interface OpenRead {
  readonly position: ReadPosition;
  readonly answer: (answer: ReadResult | undefined) => void;
}

/** A group member on the fake Kafka: it reads, commits and rebalances like the real one. */
export class FakeBroker implements Broker, GroupMember {
  readonly id: string;
  readonly topics: readonly string[];
  readonly group: FakeGroup;
  readonly rebalancing: Rebalancing;
  owned: readonly TopicPartition[] = [];
  /** Errors that the calls throw as long as they are set. */
  failing: { commit?: Error; committed?: Error; publish?: Error } = {};
  /** Time of the coordinator's last response. Default: infinity, as if it always responded. */
  lastContactAt = Number.POSITIVE_INFINITY;
  /** As the real broker's; default: never ends. */
  startsUntil = Number.POSITIVE_INFINITY;
  /** Partitions that were committed without being assigned, which Kafka allows. */
  readonly strayCommits: number[] = [];
  /** Number of records of each `publish` call. */
  readonly published: number[] = [];
  /** By the names of their partitions. */
  private readonly reads = new Map<string, OpenRead>();
  private listener: BrokerListener | undefined;
  /** The last generation with an assignment; -1: none. */
  private generation = -1;
  private expired = false;
  private ended = false;
  private readonly end = Promise.withResolvers<void>();
  private fetchFailure: BrokerFailure | undefined;
  private readonly publishFailures = new Map<string, BrokerFailure>();

  constructor(
    private readonly kafka: FakeKafka,
    private readonly options: FakeBrokerOptions,
  ) {
    members += 1;
    this.id = `member-${String(members).padStart(6, '0')}`;
    const { topic } = options;
    this.topics = typeof topic === 'string' ? [topic] : topic;
    this.group = kafka.group(options.groupId);
    this.rebalancing = options.rebalancing ?? 'eager';
  }

  /** As the real broker's, with `lastContactAt` as the spec sets it. */
  get health(): BrokerHealth {
    const { lastContactAt, fetchFailure } = this;
    const publishFailures = [...this.publishFailures.values()];
    const isMember = this.generation >= 0 && (!this.group.rebalanceDue || this.rebalancing === 'cooperative');
    return { joined: isMember, lastContactAt, fetchFailure, publishFailures };
  }

  async partitionCount(topic: string): Promise<number> {
    return this.kafka.partitionCount(topic);
  }

  async start(listener: BrokerListener): Promise<void> {
    if (this.ended) return;
    this.listener = listener;
    void this.group.join(this);
  }

  async committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]> {
    if (this.failing.committed) throw this.failing.committed;
    return partitions.map((each) => {
      const committed = this.group.committed(each);
      const { start, id: logId } = this.kafka.log(each.topic, each.partition);
      return { ...each, ...committed, from: committed.offset ?? start, logId };
    });
  }

  async read(position: ReadPosition): Promise<ReadResult | undefined> {
    if (this.ended || !this.owns(position)) return undefined;
    const name = partitionName(position);
    const { promise, resolve } = Promise.withResolvers<ReadResult | undefined>();
    this.reads.set(name, { position, answer: resolve });
    if (this.options.fetching === 'auto') this.answer(name);
    return promise;
  }

  async commit(positions: readonly Position[]): Promise<void> {
    if (this.failing.commit) throw this.failing.commit;
    if (this.expired || !this.group.has(this)) throw new Error('UNKNOWN_MEMBER_ID');
    if (this.generation !== this.group.generation) throw new Error('ILLEGAL_GENERATION');
    if (positions.some(({ metadata = '' }) => metadata.length > MAX_METADATA))
      throw new MetadataRejectedError('OFFSET_METADATA_TOO_LARGE');
    const isMissing = ({ topic, partition }: Position): boolean => partition >= this.kafka.partitionCount(topic);
    for (const { topic, partition, offset, leaderEpoch, metadata = '' } of positions) {
      if (isMissing({ topic, partition, offset })) continue;
      if (!this.owns({ topic, partition })) this.strayCommits.push(partition);
      this.group.positions.set(partitionName({ topic, partition }), { offset, leaderEpoch, metadata });
    }
    const rejected = positions.filter(isMissing);
    const code = 'UNKNOWN_TOPIC_OR_PARTITION';
    if (rejected.length > 0)
      throw new PartitionsRejectedError(rejected.map(({ topic, partition }) => ({ topic, partition, code })));
  }

  async publish(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    if (this.failing.publish) throw this.failing.publish;
    while (!this.ended && records.some(({ partition }) => partition >= this.kafka.partitionCount(topic))) {
      this.publishFailures.set(topic, this.missing(topic, this.publishFailures.get(topic)));
      await Promise.race([this.kafka.nextChange(), this.end.promise]);
    }
    this.publishFailures.delete(topic);
    if (this.ended) throw new Error('the producer was closed');
    const now = (this.options.clock ?? systemClock).now();
    for (const record of records) this.kafka.produce(topic, record, now);
    this.published.push(records.length);
  }

  async stop(): Promise<void> {
    this.kill();
  }

  /** Simulates a crash: no later call reaches Kafka, even if the engine still runs. */
  kill(): void {
    this.listener = undefined;
    this.generation = -1;
    this.ended = true;
    this.end.resolve();
    this.endReads(() => true);
    // Leaving does not wait for the rebalance, in which the other members may drain first.
    void this.group.leave(this);
  }

  /** Expires the session: the group continues without this member. Its commits fail until it rejoins. */
  expire(): void {
    this.expired = true;
    void this.group.leave(this);
  }

  /** Joins again as a new member after `expire`. */
  async rejoin(): Promise<void> {
    this.owned = [];
    await this.group.join(this);
  }

  /** Answers every open read for which there are records, and waits until the engine has taken them. */
  async fetch(): Promise<void> {
    // The engine reads a new partition only after it knows its committed offset.
    await settle();
    for (const name of this.reads.keys()) this.answer(name);
    await settle();
  }

  /** Called during a rebalance: waits for the engine to drain. */
  async prepareToJoin(): Promise<void> {
    await this.listener?.rebalancing();
  }

  /** Called during a cooperative rebalance: waits for the engine to drain partitions, and drops them. */
  async surrender(partitions: readonly TopicPartition[]): Promise<void> {
    await this.listener?.surrendering(partitions);
    const names = new Set(partitions.map(partitionName));
    if (this.generation >= 0)
      this.take(
        this.owned.filter((each) => !names.has(partitionName(each))),
        true,
      );
  }

  /** Called by the group when it assigns partitions to this member. */
  assign(partitions: readonly TopicPartition[], missedGeneration: boolean): void {
    const kept = this.generation >= 0 && !this.expired && !missedGeneration;
    this.expired = false;
    this.generation = this.group.generation;
    this.take(partitions, kept);
  }

  wake(): void {
    const read = [...this.reads.values()].map(({ position }) => position.topic);
    const missing = read.find((topic) => this.kafka.partitionCount(topic) === 0);
    this.fetchFailure = missing === undefined ? undefined : this.missing(missing, this.fetchFailure);
    if (this.options.fetching === 'auto') for (const name of this.reads.keys()) this.answer(name);
  }

  private take(partitions: readonly TopicPartition[], kept: boolean): void {
    this.owned = partitions;
    this.endReads(({ position }) => !kept || !this.owns(position));
    this.listener?.assigned(partitions, kept, this.group.generation);
  }

  private owns(partition: TopicPartition): boolean {
    const name = partitionName(partition);
    return this.owned.some((each) => partitionName(each) === name);
  }

  private missing(topic: string, before: BrokerFailure | undefined): BrokerFailure {
    const since = before?.since ?? (this.options.clock ?? systemClock).now();
    return { topic, since, code: 'UNKNOWN_TOPIC_OR_PARTITION', reason: `topic ${topic} or a partition does not exist` };
  }

  private endReads(isGone: (read: OpenRead) => boolean): void {
    for (const [name, read] of this.reads)
      if (isGone(read)) {
        this.reads.delete(name);
        read.answer(undefined);
      }
  }

  private answer(name: string): void {
    const read = this.reads.get(name);
    const found = read === undefined ? undefined : this.kafka.read(read.position, FETCH_SIZE);
    if (found === undefined) return;
    this.reads.delete(name);
    read?.answer(found);
  }
}
