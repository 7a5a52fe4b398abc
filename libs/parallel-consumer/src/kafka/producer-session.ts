import { encodeBatch } from '../records/encode-batch.js';
import type { OutgoingRecord } from '../records/record.js';
import { errorName, KafkaError } from '../protocol/kafka-error.js';
import {
  INIT_PRODUCER_ID,
  PRODUCE,
  type ProducedPartition,
  type ProducerIdentity,
} from '../protocol/produce-request.js';
import type { KafkaConnections } from './kafka-connections.js';
import type { TopicLog } from './topic-log.js';
import { TopicLogs } from './topic-logs.js';
import { UnknownPartitionError } from './unknown-partition.js';

/** The offsets that Kafka acknowledged for one partition's part of a batch. */
export interface Acknowledgement {
  readonly partition: number;
  readonly records: number;
  /** Offset of the first record; -1 when the broker recognised a duplicate batch. */
  readonly baseOffset: number;
}

/** The outcome of one attempt to send records. */
export interface Attempted {
  readonly acknowledged: readonly Acknowledgement[];
  /** Why the other records are not acknowledged, though they may be on the topic; empty when all are acknowledged. */
  readonly failures: readonly unknown[];
}

/** The records of one partition. */
interface PartitionRecords {
  readonly partition: number;
  readonly records: readonly OutgoingRecord[];
}

/** How long a node may wait for replicas: less than the time after which a connection gives up a request. */
const REPLICATION_TIMEOUT_MS = 8_000;
/** The broker has the batch already: an earlier response was lost. */
const DUPLICATE = 'DUPLICATE_SEQUENCE_NUMBER';
const SEQUENCE_NUMBERS = 2 ** 31;

/**
 * Sends records under one producer id. A partition's sequence numbers advance once its records are acknowledged, so a repeat of
 * the same records is recognised by the broker (KIP-98).
 *
 * The caller sends one batch at a time, and the unacknowledged records of a partition again before any others for it.
 */
export class ProducerSession {
  private identity: ProducerIdentity | undefined;
  private readonly logs: TopicLogs;
  /** The number of the next record, by topic and partition. */
  private readonly sequences = new Map<string, number>();

  /** @param now returns ms since 1970 */
  constructor(
    private readonly connections: KafkaConnections,
    private readonly now: () => number,
  ) {
    this.logs = new TopicLogs(connections);
  }

  /** Connects, and gets a producer id. @throws when no node responds */
  async open(): Promise<void> {
    await this.connections.connect();
    this.identity = await this.connections.requestAny(INIT_PRODUCER_ID, undefined);
  }

  async close(): Promise<void> {
    await this.connections.close();
  }

  /** Sends the records once. @throws when the topic's leaders can't be found */
  async send(topic: string, records: readonly OutgoingRecord[]): Promise<Attempted> {
    const log = this.logs.of(topic);
    const groups = groupByPartition(records);
    if (groups.some(({ partition }) => log.getLeader(partition) === undefined)) await log.refresh();
    const failures: unknown[] = [];
    const byLeader = Map.groupBy(groups, ({ partition }) => {
      const leader = log.getLeader(partition)?.leader;
      if (leader === undefined) failures.push(withoutLeader(log, partition));
      return leader;
    });
    byLeader.delete(undefined);
    const acknowledged: Acknowledgement[] = [];
    await Promise.all(
      [...byLeader].map(async ([leader = -1, led]) => {
        try {
          const produced = await this.produce(leader, topic, led);
          for (const part of led) this.settle(topic, part, produced, { acknowledged, failures });
        } catch (error) {
          failures.push(error);
        }
      }),
    );
    // Another node may lead the partitions now.
    if (failures.length > 0) this.logs.forget(topic);
    return { acknowledged, failures };
  }

  private async produce(
    leader: number,
    topic: string,
    groups: readonly PartitionRecords[],
  ): Promise<readonly ProducedPartition[]> {
    const { identity } = this;
    if (identity === undefined) throw new Error('the session is not open');
    const timestamp = this.now();
    const batches = groups.map(({ partition, records }) => ({
      partition,
      records: encodeBatch({
        records,
        timestamp,
        producerId: identity.id,
        producerEpoch: identity.epoch,
        firstSequence: this.sequenceOf(topic, partition),
      }),
    }));
    return this.connections.request(leader, PRODUCE, { topic, timeoutMs: REPLICATION_TIMEOUT_MS, batches });
  }

  private settle(
    topic: string,
    { partition, records: { length: records } }: PartitionRecords,
    produced: readonly ProducedPartition[],
    { acknowledged, failures }: { readonly acknowledged: Acknowledgement[]; readonly failures: unknown[] },
  ): void {
    const found = produced.find((each) => each.partition === partition);
    const code = found === undefined ? 'UNKNOWN_SERVER_ERROR' : errorName(found.errorCode);
    if (found?.errorCode !== 0 && code !== DUPLICATE)
      return void failures.push(new KafkaError(code, `Produce to ${topic} partition ${partition}`));
    acknowledged.push({ partition, records, baseOffset: found?.errorCode === 0 ? found.baseOffset : -1 });
    this.sequences.set(keyOf(topic, partition), (this.sequenceOf(topic, partition) + records) % SEQUENCE_NUMBERS);
  }

  private sequenceOf(topic: string, partition: number): number {
    return this.sequences.get(keyOf(topic, partition)) ?? 0;
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic} ${partition}`;
}

/** Groups records by partition, in their order. */
function groupByPartition(records: readonly OutgoingRecord[]): PartitionRecords[] {
  const groups = Map.groupBy(records, ({ partition }) => partition);
  return [...groups].map(([partition, group]) => ({ partition, records: group }));
}

function withoutLeader({ topic, partitionNumbers: { length } }: TopicLog, partition: number): Error {
  if (partition < length) return new KafkaError('LEADER_NOT_AVAILABLE', `Produce to ${topic} partition ${partition}`);
  return new UnknownPartitionError(
    `partition ${partition} does not exist: topic ${topic} has ${length} partitions, 0 to ${length - 1}`,
  );
}
