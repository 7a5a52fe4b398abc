import type { KafkaApi } from './kafka-api.js';
import { throwOnError } from './kafka-error.js';

/** Encoded record batches for partitions that one node leads, at most one for each. */
export interface ProduceRequest {
  readonly topic: string;
  /** How long the node may wait for the in-sync replicas, in ms. */
  readonly timeoutMs: number;
  readonly batches: readonly { readonly partition: number; readonly records: Buffer }[];
}

export interface ProducedPartition {
  readonly partition: number;
  readonly errorCode: number;
  /** Offset of the first record; -1 when there is none. */
  readonly baseOffset: number;
}

const NO_TRANSACTION = undefined;
const ALL_IN_SYNC_REPLICAS = -1;

/** Writes batches, and responds once all in-sync replicas have them. Since Kafka 2.8, April 2021. */
export const PRODUCE: KafkaApi<ProduceRequest, readonly ProducedPartition[]> = {
  name: 'Produce',
  key: 0,
  version: 9,
  encode: (writer, { topic, timeoutMs, batches }) => {
    writer.compactString(NO_TRANSACTION).int16(ALL_IN_SYNC_REPLICAS).int32(timeoutMs);
    writer.compactArray([topic], (name) => {
      writer.compactString(name);
      writer.compactArray(batches, ({ partition, records }) => writer.int32(partition).compactBytes(records).noTags());
      writer.noTags();
    });
    writer.noTags();
  },
  decode: (reader) => {
    const topics = reader.compactArray(() => {
      reader.compactString();
      const partitions = reader.compactArray(() => {
        const [partition, errorCode, baseOffset] = [reader.int32(), reader.int16(), reader.int64()];
        // The time of the append, and the first offset of the log.
        reader.int64();
        reader.int64();
        reader.compactArray(() => {
          reader.int32();
          reader.compactString();
          reader.tags();
        });
        reader.compactString();
        reader.tags();
        return { partition, errorCode, baseOffset };
      });
      reader.tags();
      return partitions;
    });
    return topics.flat();
  },
};

/** Identifies an idempotent producer to the nodes. */
export interface ProducerIdentity {
  readonly id: bigint;
  readonly epoch: number;
}

const NO_TRANSACTION_TIMEOUT_MS = 0;

/** Returns a new identity. */
export const INIT_PRODUCER_ID: KafkaApi<undefined, ProducerIdentity> = {
  name: 'InitProducerId',
  key: 22,
  version: 2,
  encode: (writer) => {
    writer.compactString(NO_TRANSACTION).int32(NO_TRANSACTION_TIMEOUT_MS).noTags();
  },
  decode: (reader) => {
    reader.int32();
    throwOnError(reader.int16(), 'InitProducerId');
    return { id: BigInt(reader.int64()), epoch: reader.int16() };
  },
};
