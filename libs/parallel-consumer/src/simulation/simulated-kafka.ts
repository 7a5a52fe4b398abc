import type { Clock } from '@orders-pipeline/clock';
import { FETCH, type FetchedPartition, type FetchPartition, type FetchRequest } from '../protocol/fetch-request.js';
import { FIND_COORDINATOR, HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, SYNC_GROUP } from '../protocol/group-requests.js';
import type { KafkaApi } from '../protocol/kafka-api.js';
import { KafkaError } from '../protocol/kafka-error.js';
import { METADATA, type ClusterMetadata } from '../protocol/metadata-request.js';
import { LIST_OFFSETS, OFFSET_COMMIT, OFFSET_FETCH, type ListOffsetsRequest } from '../protocol/offset-requests.js';
import { INIT_PRODUCER_ID, PRODUCE, type ProducedPartition, type ProduceRequest } from '../protocol/produce-request.js';
import * as layout from '../records/batch-layout.js';
import { FetchedRecords } from '../records/fetched-records.js';
import type { ConsumedRecord } from '../records/record.js';
import { batchBytes, markerBytes } from '../records/testing/record-batches.js';
import { SimulatedGroup } from './simulated-group.js';

/** A batch of a log: its records have the offsets from `base` to `last`. */
interface LogBatch {
  readonly base: number;
  readonly last: number;
  readonly epoch: number;
  readonly bytes: Buffer;
}

interface Log {
  readonly topicId: string;
  batches: LogBatch[];
  start: number;
  end: number;
  epoch: number;
}

/** A record to append. */
export interface NewRecord {
  readonly key: string | null;
  readonly value: string;
}

const [OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC, NOT_LEADER, FENCED_EPOCH, UNKNOWN_EPOCH] = [1, 3, 6, 74, 75];
const [OUT_OF_ORDER, DUPLICATE, UNKNOWN_TOPIC_ID] = [45, 46, 100];
const REFUSALS = { NOT_ENOUGH_REPLICAS: 19, INVALID_RECORD: 87 } as const;
const NODES = [1, 2] as const;
const MAX_BATCHES = 20;

/**
 * A cluster of two nodes in memory, at the level of requests: what `KafkaConnections` sends, this answers, by one clock. It has logs with leader
 * epochs that can be truncated, and one group. It never delays a request by itself: links do (`SimulatedProcess`).
 */
export class SimulatedKafka {
  readonly group: SimulatedGroup;
  /** The node that coordinates the group. */
  coordinator: number = NODES[0];
  /** Nodes that answer nothing. */
  readonly silent = new Set<number>();
  /** Why no node accepts what is written. */
  refusal: keyof typeof REFUSALS | undefined;
  /** Called for each record that a producer has written. */
  onProduced: (topic: string, record: ConsumedRecord) => void = () => undefined;
  private readonly topics = new Map<string, Log[]>();
  private readonly sequences = new Map<string, number>();
  private readonly waiting = new Set<() => void>();
  private producerIds = 0n;

  constructor(private readonly clock: Clock) {
    this.group = new SimulatedGroup(clock);
  }

  createTopic(name: string, partitions: number): void {
    const topicId = String(this.topics.size + 1).padStart(32, '0');
    const newLog = (): Log => ({ topicId, batches: [], start: 0, end: 0, epoch: 0 });
    this.topics.set(name, Array.from({ length: partitions }, newLog));
  }

  /** Returns the edges of a log, and its leader epoch. */
  logOf(topic: string, partition: number): Pick<Log, 'topicId' | 'start' | 'end' | 'epoch'> {
    return this.log(topic, partition);
  }

  /** Appends a batch. @param gap offsets that compaction has removed before it @returns the offset of its first record */
  append(topic: string, partition: number, records: readonly NewRecord[], gap = 0): number {
    const log = this.log(topic, partition);
    const base = log.end + gap;
    const bytes = batchBytes({
      baseOffset: base,
      leaderEpoch: log.epoch,
      records: records.map(({ key, value }) => ({
        key: key === null ? null : Buffer.from(key),
        value: Buffer.from(value),
      })),
    });
    this.appendBatch(log, { base, last: base + records.length - 1, epoch: log.epoch, bytes });
    return base;
  }

  /** Appends the marker of a transaction: an offset without a record. */
  appendMarker(topic: string, partition: number): void {
    const log = this.log(topic, partition);
    const bytes = markerBytes(log.end, 1, 'commit');
    bytes.writeInt32BE(log.epoch, layout.LEADER_EPOCH_AT);
    this.appendBatch(log, { base: log.end, last: log.end, epoch: log.epoch, bytes });
  }

  /** Deletes whole batches before an offset, as retention does. */
  deleteBefore(topic: string, partition: number, offset: number): void {
    const log = this.log(topic, partition);
    log.batches = log.batches.filter(({ last }) => last >= offset);
    log.start = Math.min(offset, log.batches[0]?.base ?? offset);
  }

  /** The new leader of a partition has only the batches before an offset, as after an unclean election. @returns its end */
  truncate(topic: string, partition: number, offset: number): number {
    const log = this.log(topic, partition);
    log.batches = log.batches.filter(({ last }) => last < offset);
    log.end = Math.max(log.start, (log.batches.at(-1)?.last ?? log.start - 1) + 1);
    this.elect(topic, partition);
    return log.end;
  }

  /** A partition gets a new leader epoch. */
  elect(topic: string, partition: number): void {
    this.log(topic, partition).epoch += 1;
  }

  /** Answers a request to a node. @throws KafkaError as the decoded response would */
  async serve<Request, Response>(node: number, api: KafkaApi<Request, Response>, request: Request): Promise<Response> {
    const answer = (await this.answer(node, api.name, request)) as Response;
    return answer;
  }

  private async answer(node: number, api: string, request: unknown): Promise<unknown> {
    switch (api) {
      case METADATA.name:
        return this.metadata(request as readonly string[]);
      case FIND_COORDINATOR.name:
        return this.coordinator;
      case FETCH.name:
        return this.fetch(node, request as FetchRequest);
      case LIST_OFFSETS.name:
        return this.edge(request as ListOffsetsRequest);
      case INIT_PRODUCER_ID.name:
        this.producerIds += 1n;
        return { id: this.producerIds, epoch: 0 };
      case PRODUCE.name:
        return this.produce(request as ProduceRequest);
      default:
        return this.answerAsCoordinator(node, api, request);
    }
  }

  private async answerAsCoordinator(node: number, api: string, request: unknown): Promise<unknown> {
    if (node !== this.coordinator) throw new KafkaError('NOT_COORDINATOR', api);
    const { group } = this;
    switch (api) {
      case JOIN_GROUP.name:
        return group.join(request as never);
      case SYNC_GROUP.name:
        return group.sync(request as never);
      case HEARTBEAT.name:
        return group.heartbeat(request as never);
      case LEAVE_GROUP.name:
        return group.leave((request as { readonly memberId: string }).memberId);
      case OFFSET_COMMIT.name:
        return group.commit(request as never);
      case OFFSET_FETCH.name:
        return group.committed(request as never);
      default:
        throw new Error(`the simulated Kafka does not know the request ${api}`);
    }
  }

  private log(topic: string, partition: number): Log {
    const log = this.topics.get(topic)?.[partition];
    if (log === undefined) throw new Error(`the partition ${topic}-${partition} does not exist`);
    return log;
  }

  private leaderOf(partition: number): number {
    return NODES[partition % NODES.length] ?? NODES[0];
  }

  private appendBatch(log: Log, batch: LogBatch): void {
    log.batches.push(batch);
    log.end = batch.last + 1;
    for (const wake of this.waiting) wake();
  }

  private metadata(topics: readonly string[]): ClusterMetadata {
    return {
      nodes: NODES.map((nodeId) => ({ nodeId, host: 'simulated', port: nodeId, rack: undefined })),
      controllerId: NODES[0],
      topics: topics.map((name) => {
        const logs = this.topics.get(name) ?? [];
        const partitions = logs.map(({ epoch }, partition) => ({
          partition,
          leader: this.leaderOf(partition),
          leaderEpoch: epoch,
        }));
        return { errorCode: logs.length === 0 ? UNKNOWN_TOPIC : 0, name, topicId: logs[0]?.topicId ?? '', partitions };
      }),
    };
  }

  private edge({ topic, partition, edge }: ListOffsetsRequest): number {
    const { start, end } = this.log(topic, partition);
    return edge === 'earliest' ? start : end;
  }

  private async fetch(node: number, { maxWaitMs, partitions }: FetchRequest): Promise<object> {
    const read = (): FetchedPartition[] => partitions.map((each) => this.fetchPartition(node, each));
    let answer = read();
    if (!answer.some(saysSomething)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.waiting.add(resolve);
      const cancel = this.clock.after(maxWaitMs, resolve);
      await promise;
      cancel();
      this.waiting.delete(resolve);
      answer = read();
    }
    return { errorCode: 0, partitions: answer };
  }

  private fetchPartition(
    node: number,
    { topicId, partition, offset, currentLeaderEpoch, lastFetchedEpoch }: FetchPartition,
  ): FetchedPartition {
    const log = [...this.topics.values()].find(([first]) => first?.topicId === topicId)?.[partition];
    const end = log?.end ?? 0;
    const nothing = {
      topicId,
      partition,
      errorCode: 0,
      highWatermark: end,
      lastStableOffset: end,
      abortedTransactions: [],
      diverging: undefined,
      records: Buffer.alloc(0),
    };
    if (log === undefined) return { ...nothing, errorCode: UNKNOWN_TOPIC_ID };
    if (this.leaderOf(partition) !== node) return { ...nothing, errorCode: NOT_LEADER };
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch !== log.epoch)
      return { ...nothing, errorCode: currentLeaderEpoch < log.epoch ? FENCED_EPOCH : UNKNOWN_EPOCH };
    const diverging = lastFetchedEpoch < 0 ? undefined : divergence(log, lastFetchedEpoch, offset);
    if (diverging !== undefined) return { ...nothing, diverging };
    if (offset < log.start || offset > log.end) return { ...nothing, errorCode: OFFSET_OUT_OF_RANGE };
    const batches = log.batches.filter(({ last }) => last >= offset).slice(0, MAX_BATCHES);
    return { ...nothing, records: Buffer.concat(batches.map(({ bytes }) => bytes)) };
  }

  private produce({ topic, batches }: ProduceRequest): ProducedPartition[] {
    return batches.map(({ partition, records }) => {
      if (this.refusal !== undefined) return { partition, errorCode: REFUSALS[this.refusal], baseOffset: -1 };
      const count = records.readInt32BE(layout.COUNT_AT);
      const producer = `${records.readBigInt64BE(layout.PRODUCER_ID_AT)} ${topic}-${partition}`;
      const sequence = records.readInt32BE(layout.FIRST_SEQUENCE_AT);
      const expected = this.sequences.get(producer) ?? 0;
      if (sequence !== expected)
        return { partition, errorCode: sequence < expected ? DUPLICATE : OUT_OF_ORDER, baseOffset: -1 };
      this.sequences.set(producer, sequence + count);
      const log = this.log(topic, partition);
      const base = log.end;
      const bytes = Buffer.from(records);
      bytes.writeBigInt64BE(BigInt(base), 0);
      bytes.writeInt32BE(log.epoch, layout.LEADER_EPOCH_AT);
      this.appendBatch(log, { base, last: base + count - 1, epoch: log.epoch, bytes });
      for (const record of new FetchedRecords({ topic, partition, fetchOffset: base, bytes, abortedTransactions: [] }))
        this.onProduced(topic, record);
      return { partition, errorCode: 0, baseOffset: base };
    });
  }
}

function saysSomething({ errorCode, diverging, records }: FetchedPartition): boolean {
  return errorCode !== 0 || diverging !== undefined || records.length > 0;
}

/** Returns where a log leaves the one that was read, whose last record before the offset has this leader epoch (KIP-320). */
function divergence({ batches, end, start }: Log, epoch: number, offset: number): FetchedPartition['diverging'] {
  const shared = batches.findLast((batch) => batch.epoch <= epoch);
  const later = batches.find((batch) => batch.epoch > epoch);
  const endOffset = later?.base ?? end;
  // Without an epoch up to the requested one, Kafka answers the requested one, and where the first later one starts.
  const found = shared?.epoch ?? epoch;
  // The batches of the epoch may be deleted, or the epoch may have none yet: then only the end counts.
  if (offset <= start || (endOffset >= offset && found === epoch)) return undefined;
  return endOffset < offset ? { epoch: found, endOffset } : undefined;
}
