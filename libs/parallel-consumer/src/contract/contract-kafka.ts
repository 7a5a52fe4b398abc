import type { Broker, CommittedPosition } from '../broker/broker.js';
import type { Rebalancing } from '../kafka/owned-partitions.js';
import type { ConsumedRecord } from '../records/record.js';

/** An open transaction: consumers receive its records only after a commit, and never after an abort. */
export interface ContractTransaction {
  /** @param key default: none */
  append(value: string, key?: Buffer): Promise<void>;
  end(ending: 'commit' | 'abort'): Promise<void>;
}

/** A real or fake Kafka for the contract suite. Each spec uses new topic and group names. */
export interface ContractKafka {
  createTopic(topic: string, partitions: number): Promise<void>;
  /** Appends records with these values in order, without keys. */
  append(topic: string, partition: number, values: readonly string[]): Promise<void>;
  /** Begins a transaction on one partition; several may be open. Its end appends a marker. */
  beginTransaction(topic: string, partition: number): Promise<ContractTransaction>;
  /** Deletes the topic and waits until no node knows it. */
  deleteTopic(topic: string): Promise<void>;
  /** Deletes the topic and creates it again. */
  recreateTopic(topic: string, partitions: number): Promise<void>;
  /** Deletes the records below an offset, as retention does. */
  deleteBefore(topic: string, partition: number, offset: number): Promise<void>;
  /** Returns all records of a topic, once it has at least `count`. */
  read(topic: string, count: number): Promise<ConsumedRecord[]>;
  /** Creates a group member that has not joined yet. @param rebalancing of its group; default: `eager` */
  member(topic: string | readonly string[], groupId: string, rebalancing?: Rebalancing): Broker;
  end(): Promise<void>;
}

/** A topic and a consumer group for one spec. `end` stops all members. */
export class ContractTopic {
  private readonly members: Broker[] = [];

  private constructor(
    readonly kafka: ContractKafka,
    readonly topic: string,
    private readonly groupId: string,
  ) {}

  static async create(kafka: ContractKafka, partitions: number): Promise<ContractTopic> {
    const name = crypto.randomUUID();
    await kafka.createTopic(`contract-${name}`, partitions);
    return new ContractTopic(kafka, `contract-${name}`, `group-${name}`);
  }

  /** @param others topics that the member reads too */
  member(...others: readonly ContractTopic[]): Broker {
    const topics = [this.topic, ...others.map(({ topic }) => topic)];
    const broker = this.kafka.member(others.length === 0 ? this.topic : topics, this.groupId);
    this.members.push(broker);
    return broker;
  }

  /** Creates a member of a cooperative group. */
  cooperativeMember(): Broker {
    const broker = this.kafka.member(this.topic, this.groupId, 'cooperative');
    this.members.push(broker);
    return broker;
  }

  async append(partition: number, ...values: readonly string[]): Promise<void> {
    await this.kafka.append(this.topic, partition, values);
  }

  /** Appends records in one transaction. */
  async appendTransaction(partition: number, values: readonly string[], ending: 'commit' | 'abort'): Promise<void> {
    const transaction = await this.kafka.beginTransaction(this.topic, partition);
    for (const value of values) await transaction.append(value);
    await transaction.end(ending);
  }

  at(partition: number): { topic: string; partition: number } {
    return { topic: this.topic, partition };
  }

  /** Returns the group's committed position for a partition. */
  async committed(by: Broker, partition: number): Promise<CommittedPosition> {
    const [position] = await by.committed([this.at(partition)]);
    if (position === undefined) throw new Error('the broker returned no position for the partition');
    return position;
  }

  async end(): Promise<void> {
    for (const member of this.members) await member.stop();
  }
}

/** Creates a topic for a spec. */
export type MakeTopic = (partitions: number) => Promise<ContractTopic>;
