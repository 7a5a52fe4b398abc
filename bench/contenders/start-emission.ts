import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import { systemClock } from '@orders-pipeline/clock';
import type { Kafka } from 'kafkajs';
import type { Mongo } from '#service/mongodb/mongo.js';
import { consumerLag, LagCeiling } from '../../apps/producer/src/emission/emission.js';
import { EmissionJob } from '../../apps/producer/src/emission/emission-job.js';
import type { OrdersTopic } from '../../apps/producer/src/emission/orders-topic.js';
import { SegmentLeases } from '../../apps/producer/src/emission/segment-leases.js';
import { WakeUp } from '../../apps/producer/src/background/leased-job.js';
import { Leases } from '../../apps/producer/src/background/leases.js';
import { Interruptions } from '../../apps/producer/src/background/interruptions.js';
import { Operations } from '../../apps/producer/src/operations/operations.js';
import { PopulateRequestSchema } from '../../apps/producer/src/operations/operation-requests.js';

export interface EmissionParts {
  readonly kafka: Kafka;
  readonly mongo: Mongo;
  readonly topic: OrdersTopic;
}

/**
 * Emits one populate with the parts of the producer app: lease, progress and chunk positions are stored in MongoDB. The consumer lag is
 * polled, but no lag ceiling stops the emission.
 */
export async function startEmission(
  { kafka, mongo, topic }: EmissionParts,
  populate: { readonly count: number; readonly chunkSize: number },
): Promise<void> {
  const operations = new Operations(mongo);
  const positions = new KafkaPositions(kafka);
  const ceiling = new LagCeiling(Infinity, async () => consumerLag(positions), systemClock);
  await operations.createPopulate(PopulateRequestSchema.parse(populate), undefined);
  const segments = new SegmentLeases(mongo, new Leases(mongo));
  new EmissionJob(segments, new Interruptions(mongo), topic, ceiling, mongo, new WakeUp()).onApplicationBootstrap();
}
