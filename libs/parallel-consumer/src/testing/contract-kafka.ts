import type { Broker, CommittedPosition } from '../kafka/broker.js';
import type { ConsumedRecord } from '../record.js';

/** An open transaction: none of its records is handed out before it ends, and none ever when it aborts. */
export interface ContractTransaction {
  /** @param key default: none */
  append(value: string, key?: Buffer): Promise<void>;
  end(ending: 'commit' | 'abort'): Promise<void>;
}

/** A Kafka, real or fake, as the contract suite needs it. Topics and groups are named anew by each spec. */
export interface ContractKafka {
  createTopic(topic: string, partitions: number): Promise<void>;
  /** Appends records with these values, one after another, and no key. */
  append(topic: string, partition: number, values: readonly string[]): Promise<void>;
  /** Begins a transaction on one partition; several may be open. Its end leaves a marker behind. */
  beginTransaction(topic: string, partition: number): Promise<ContractTransaction>;
  /** Deletes the topic and creates it again. */
  recreateTopic(topic: string, partitions: number): Promise<void>;
  /** Deletes the records below an offset, as retention does. */
  deleteBefore(topic: string, partition: number, offset: number): Promise<void>;
  /** Everything on a topic, once there are so many records. */
  read(topic: string, count: number): Promise<ConsumedRecord[]>;
  /** A member of a group that hasn't joined yet. */
  member(topic: string, groupId: string): Broker;
  end(): Promise<void>;
}

/** A topic of a Kafka and one group on it, for one spec, and its members, which it stops. */
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

  member(): Broker {
    const broker = this.kafka.member(this.topic, this.groupId);
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

  /** What the group has committed for a partition. */
  async committed(by: Broker, partition: number): Promise<CommittedPosition> {
    const [position] = await by.committed([this.at(partition)]);
    if (position === undefined) throw new Error('the broker returned no position for the partition');
    return position;
  }

  async end(): Promise<void> {
    for (const member of this.members) await member.stop();
  }
}

/** Where the specs make the topics that they run on. */
export type MakeTopic = (partitions: number) => Promise<ContractTopic>;
