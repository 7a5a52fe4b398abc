import { Injectable } from '@nestjs/common';
import type { OrderCodec } from '#orders/order-codec.js';
import { javaCompatiblePartitioner } from '#orders/partitioner.js';
import type { PlannedRecord } from '#orders/planned-records.js';
import { originHeaders } from '#orders/record-headers.js';
import { ORDERS_TOPIC } from '#orders/topics.js';
import type { OutgoingRecord } from '#parallel-consumer/record.js';
import type { Acknowledgement, ReliableProducer } from '#parallel-consumer/kafka/reliable-producer.js';
import { faultyValue } from './faulty-value.js';

/**
 * Bytes of values that are sent at once, at the most: all may fall on one partition, whose batch must stay below the topic's
 * 1 MiB with keys, headers and framing.
 */
const MAX_BATCH_BYTES = 640 * 1024;

/** Told of what goes to the topic, synchronously, for metrics. */
export interface TopicObserver {
  /** Records were handed to Kafka. */
  sent?(records: number): void;
  /** All in-sync replicas have them, so many milliseconds later. */
  acknowledged?(records: number, milliseconds: number): void;
}

/** The topic as the producer sees it: orders go in, acknowledgements come back. */
@Injectable()
export class OrdersTopic {
  private readonly choosePartition: (accountId: string) => number;

  constructor(
    private readonly producer: ReliableProducer,
    readonly codec: OrderCodec,
    readonly partitions: number,
    private readonly observer: TopicObserver = {},
  ) {
    this.choosePartition = javaCompatiblePartitioner(partitions);
  }

  /** Order and origin as a record ready to send. Its partition is chosen here, so that no retry can choose another. */
  record({ order, index, fault }: PlannedRecord, operationId: string): OutgoingRecord {
    return {
      partition: this.choosePartition(order.accountId),
      key: order.accountId,
      value: fault === undefined ? this.codec.encode(order) : faultyValue(fault, index, order, this.codec),
      headers: originHeaders(fault === undefined ? { operationId, index } : { operationId, index, fault }),
    };
  }

  /** Resolves once every record is on all in-sync replicas. */
  async send(records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    const acknowledged: Acknowledgement[] = [];
    for (const batch of batchesOf(records)) {
      const sentAt = performance.now();
      this.observer.sent?.(batch.length);
      acknowledged.push(...(await this.producer.send(ORDERS_TOPIC, batch)));
      this.observer.acknowledged?.(batch.length, performance.now() - sentAt);
    }
    return acknowledged;
  }

  /** Gives up what Kafka doesn't acknowledge within two seconds. */
  async close(): Promise<void> {
    await this.producer.close();
  }
}

/** One batch nearly always; more where some values are large. */
function batchesOf(records: readonly OutgoingRecord[]): OutgoingRecord[][] {
  const batches: OutgoingRecord[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const record of records) {
    const size = record.value?.length ?? 0;
    if (bytes + size > MAX_BATCH_BYTES) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)?.push(record);
    bytes += size;
  }
  return batches;
}
