import { systemClock } from '#parallel-consumer/clock.js';
import type { Kafka } from '#parallel-consumer/kafka/kafkajs.js';
import type { Mongo } from '#service/mongo.js';
import { ConsumerLag } from '../../apps/producer/src/emission/consumer-lag.js';
import { LagCeiling } from '../../apps/producer/src/emission/lag-ceiling.js';
import { OperationRunner } from '../../apps/producer/src/emission/operation-runner.js';
import type { OrdersTopic } from '../../apps/producer/src/emission/orders-topic.js';
import { Interruptions } from '../../apps/producer/src/operations/interruptions.js';
import { Operations } from '../../apps/producer/src/operations/operations.js';
import { PopulateRequestSchema } from '../../apps/producer/src/operations/populate-request.js';

export interface EmissionParts {
  readonly kafka: Kafka;
  readonly mongo: Mongo;
  readonly topic: OrdersTopic;
}

/**
 * Emits one populate as the producer app does, put together as its module does it: the lease, the progress and where each
 * chunk stands are kept in MongoDB, and the consumers' lag is looked at, though no ceiling stops it.
 */
export async function startEmission(
  { kafka, mongo, topic }: EmissionParts,
  populate: { readonly count: number; readonly chunkSize: number },
): Promise<void> {
  const operations = new Operations(mongo);
  const lag = new ConsumerLag(kafka);
  const ceiling = new LagCeiling(Infinity, async () => lag.records(), systemClock);
  await operations.create(PopulateRequestSchema.parse(populate));
  new OperationRunner(operations, new Interruptions(mongo), topic, ceiling).onApplicationBootstrap();
}
