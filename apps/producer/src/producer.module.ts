import { Module } from '@nestjs/common';
import { register } from 'prom-client';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ensureDeadLetterIndexes } from '#orders/dead-letter/dead-letters.js';
import { ensureManifestIndexes } from '#orders/operation/import-manifest.js';
import { ensureImportRowIndexes } from '#orders/operation/import-rows.js';
import { ensureOperationIndexes } from '#orders/operation/operation.js';
import { ensureOrderIndexes } from '#orders/order/orders-collection.js';
import { prepareTopics } from '#service/kafka/prepare-topics.js';
import { KafkaPositions } from '#service/kafka/kafka-positions.js';
import { systemClock } from '@orders-pipeline/clock';
import { connectKafka, reliableProducer, RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import { HealthModule } from '#service/health/health.js';
import { KafkaProbe } from '#service/kafka/kafka-probe.js';
import { createLogger, logsModule } from '#service/process/logs.js';
import { MetricsModule } from '#service/health/metrics.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { ensureIdempotencyKeyIndexes } from './operations/idempotency-keys.js';
import { InterruptionScope } from './operations/interruption-scope.js';
import { InterruptionsController } from './operations/interruptions.controller.js';
import { Interruptions } from './background/interruptions.js';
import { Leases } from './background/leases.js';
import { consumerLag } from './emission/consumer-lag.js';
import { measureTopic, exposeEmission } from './emission/emission-metrics.js';
import { LagCeiling } from './emission/lag-ceiling.js';
import { OperationEventsController } from './operations/operation-events.controller.js';
import { EmissionJob } from './emission/emission-job.js';
import { OperationView } from './operations/operation-view.js';
import { OperationsController } from './operations/operations.controller.js';
import { Operations } from './operations/operations.js';
import { OrdersTopic } from './emission/orders-topic.js';
import { ImportManifest } from './imports/import-manifest.js';
import { ImportReader } from './imports/import-reader.js';
import { ImportReceiver } from './imports/import-receiver.js';
import { ImportRejects } from './imports/import-rejects.js';
import { ImportJob } from './imports/import-job.js';
import { ImportSources } from './imports/import-sources.js';
import { ImportView } from './imports/import-view.js';
import { ImportsController } from './imports/imports.controller.js';
import { RejectsController } from './imports/rejects.controller.js';
import { RowIntake } from './imports/row-intake.js';
import { ensureStagedFileIndexes, StagedFiles } from './imports/staged-files.js';
import { SegmentLeases } from './emission/segment-leases.js';
import { DeadLetters } from './dead-letters/dead-letters.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { LetterRecords } from './dead-letters/letter-records.js';
import { RedriveController } from './redrive/redrive.controller.js';
import { RedriveJob } from './redrive/redrive-job.js';
import { RedriveWork } from './redrive/redrive-work.js';
import { RedrivenLetters } from './redrive/redriven-letters.js';
import { Redrives } from './redrive/redrives.js';
import { RedriveProgress } from './operations/redrive-progress.js';
import { ProducerReadiness } from './readiness.js';
import { OrderOutcomes } from './operations/order-outcomes.js';
import { SharedProgress } from './operations/shared-progress.js';
import { ReconcileController } from './reconcile/reconcile.controller.js';
import { settings } from './settings.js';
import { WakeUp } from './background/wake-up.js';

const logger = createLogger('producer', settings.LOG_LEVEL);
const kafka = connectKafka({ brokers: settings.KAFKA_BROKERS, clientId: 'orders-producer', logger });

async function connectMongo(): Promise<Mongo> {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-producer');
  await ensureOrderIndexes(mongo.db);
  await ensureOperationIndexes(mongo.db);
  await ensureIdempotencyKeyIndexes(mongo.db);
  await ensureDeadLetterIndexes(mongo.db);
  await ensureImportRowIndexes(mongo.db);
  await ensureManifestIndexes(mongo.db);
  await ensureStagedFileIndexes(mongo.db);
  return mongo;
}

async function connectTopic(): Promise<OrdersTopic> {
  const partitions = await prepareTopics(kafka, {
    partitions: settings.TOPIC_PARTITIONS,
    clusterId: settings.KAFKA_CLUSTER_ID,
  });
  // After the topics, because preparing them verifies the cluster id.
  const codec = await OrderCodec.connect(settings.SCHEMA_REGISTRY_URL);
  return new OrdersTopic(reliableProducer(kafka, logger), codec, partitions, measureTopic(register));
}

function createLagCeiling(positions: KafkaPositions): LagCeiling {
  return new LagCeiling(settings.LAG_CEILING, async () => consumerLag(positions), systemClock);
}

@Module({
  providers: [
    { provide: Mongo, useFactory: connectMongo },
    { provide: KafkaProbe, useValue: new KafkaProbe(kafka) },
  ],
  exports: [Mongo, KafkaProbe],
})
class ConnectionsModule {}

@Module({
  imports: [
    logsModule(logger),
    MetricsModule,
    ConnectionsModule,
    HealthModule.with(ProducerReadiness, [ConnectionsModule]),
  ],
  controllers: [
    OperationsController,
    InterruptionsController,
    OperationEventsController,
    ImportsController,
    RejectsController,
    ReconcileController,
    DeadLettersController,
    RedriveController,
  ],
  providers: [
    { provide: OrdersTopic, useFactory: connectTopic },
    { provide: OrderCodec, useFactory: ({ codec }: OrdersTopic) => codec, inject: [OrdersTopic] },
    { provide: KafkaPositions, useValue: new KafkaPositions(kafka) },
    { provide: LagCeiling, useFactory: createLagCeiling, inject: [KafkaPositions] },
    Operations,
    InterruptionScope,
    Interruptions,
    Leases,
    WakeUp,
    SegmentLeases,
    EmissionJob,
    OperationView,
    OrderOutcomes,
    SharedProgress,
    { provide: ImportSources, useValue: new ImportSources(settings.IMPORT_MAX_BYTES, settings.IMPORT_DIR) },
    ImportReceiver,
    ImportManifest,
    ImportRejects,
    ImportView,
    StagedFiles,
    RowIntake,
    ImportReader,
    ImportJob,
    { provide: LetterRecords, useValue: new LetterRecords(new RecordReader(kafka)) },
    DeadLetters,
    RedriveProgress,
    RedrivenLetters,
    Redrives,
    RedriveWork,
    RedriveJob,
  ],
})
export class ProducerModule {
  constructor(job: EmissionJob) {
    exposeEmission(job, settings.LAG_CEILING, register);
  }
}
