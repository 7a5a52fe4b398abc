import { Injectable, Module } from '@nestjs/common';
import { register } from 'prom-client';
import { systemClock } from '@orders-pipeline/clock';
import { RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import { OrderCodec } from '#orders/order/order-codec.js';
import { HealthModule, ReadinessChecks } from '#service/health/health.js';
import { MetricsModule } from '#service/health/metrics.js';
import { EventStreams } from '#service/http/concurrency-limit.js';
import { KafkaPositions, KafkaProbe } from '#service/kafka/kafka-clients.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { logsModule } from '#service/process/logs.js';
import { WakeUp } from './background/leased-job.js';
import { CompactionJob } from './compaction/compaction-job.js';
import { OperationCompaction } from './compaction/operation-compaction.js';
import { LetterTopic, OperationLeftovers } from './compaction/operation-leftovers.js';
import { client, ConnectionsModule, countPartitions, kafka, logger } from './connections.module.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { LetterRecords } from './dead-letters/letter-records.js';
import { PublishingJob, exposePublishing } from './publishing/publishing-job.js';
import { consumerLag, LagCeiling } from './publishing/publish-segment.js';
import { measureTopic, OrdersTopic } from './publishing/orders-topic.js';
import { SegmentLeases } from './publishing/segment-leases.js';
import { ExpansionWatch, ProducerList } from './expansion/expansion-watch.js';
import { SendGate } from './publishing/send-gate.js';
import { ImportJob, ImportReader } from './imports/import-job.js';
import { ImportManifest, ImportRejects } from './imports/import-manifest.js';
import { ImportReceiver } from './imports/import-receiver.js';
import { ImportPlaces, ImportReadsController, ImportsController } from './imports/imports.controller.js';
import { RowAcceptance } from './imports/row-acceptance.js';
import { StagedFiles } from './imports/staged-files.js';
import { IntakeTopic } from './order-api/batch-sender.js';
import { IntakeClosing, IntakeRecoveryJob } from './order-api/intake-closing.js';
import { MongoIntakeStore } from './order-api/intake-store.js';
import { IntakeController, OrderRedirectController, QueryApiAddress } from './order-api/intake.controller.js';
import { Intake } from './order-api/intake.js';
import { OperationView } from './operations/operation-progress.js';
import {
  InterruptionsController,
  InterruptionScope,
  OperationEventsController,
  OperationsController,
} from './operations/operations.controller.js';
import { Operations } from './operations/operations.js';
import { OrderOutcomes, RedriveProgress } from './operations/order-outcomes.js';
import { ReconcileController, ReconciliationPlaces } from './reconcile/reconcile.controller.js';
import { RedriveJob, RedriveWork } from './redrive/redrive-job.js';
import { RedriveController } from './redrive/redrive.controller.js';
import { RedrivenLetters } from './redrive/redriven-letters.js';
import { settings } from './settings.js';

@Injectable()
class ProducerReadiness extends ReadinessChecks {
  readonly checks;

  constructor(mongo: Mongo, kafkaProbe: KafkaProbe) {
    super();
    this.checks = { mongodb: () => mongo.ping(), kafka: () => kafkaProbe.check() };
  }
}

function connectTopic(gate: SendGate, codec: OrderCodec): OrdersTopic {
  const topic = new OrdersTopic(() => client.producer(), codec, gate, measureTopic(register));
  gate.attach(topic);
  return topic;
}

/** The metrics of the topic count the records of both. */
function connectIntakeTopic(gate: SendGate, codec: OrderCodec, { observer }: OrdersTopic): IntakeTopic {
  const topic = new IntakeTopic(() => client.producer(), codec, gate, observer);
  gate.attach(topic);
  return topic;
}

function createLagCeiling(positions: KafkaPositions): LagCeiling {
  return new LagCeiling(settings.LAG_CEILING, async () => consumerLag(positions), systemClock);
}

function watchExpansions(mongo: Mongo, gate: SendGate, wakeUp: WakeUp): ExpansionWatch {
  return new ExpansionWatch(new ProducerList(mongo), countPartitions, gate, wakeUp);
}

function createLetterTopic(mongo: Mongo, positions: KafkaPositions): LetterTopic {
  return new LetterTopic(kafka, mongo, positions);
}

/**
 * Publishes the orders of operations to Kafka. It is a module of its own, because Nest stops the module that imports it first: a redrive
 * sends over its topic, which closes when publishing stops.
 */
@Module({
  imports: [ConnectionsModule],
  providers: [
    { provide: OrdersTopic, useFactory: connectTopic, inject: [SendGate, OrderCodec] },
    { provide: LagCeiling, useFactory: createLagCeiling, inject: [KafkaPositions] },
    SegmentLeases,
    PublishingJob,
  ],
  exports: [OrdersTopic],
})
class PublishingModule {
  constructor(job: PublishingJob) {
    exposePublishing(job, settings.LAG_CEILING, register);
  }
}

@Module({
  imports: [
    logsModule(logger),
    MetricsModule,
    ConnectionsModule,
    PublishingModule,
    HealthModule.with(ProducerReadiness, [ConnectionsModule]),
  ],
  // In the order in which the OpenAPI document lists their routes.
  controllers: [
    OperationsController,
    InterruptionsController,
    OperationEventsController,
    ImportsController,
    ImportReadsController,
    IntakeController,
    OrderRedirectController,
    ReconcileController,
    DeadLettersController,
    RedriveController,
  ],
  providers: [
    Operations,
    InterruptionScope,
    OperationView,
    OrderOutcomes,
    RedriveProgress,
    { provide: EventStreams, useValue: new EventStreams(settings) },
    { provide: ExpansionWatch, useFactory: watchExpansions, inject: [Mongo, SendGate, WakeUp] },

    { provide: ImportPlaces, useValue: new ImportPlaces(settings) },
    ImportReceiver,
    ImportManifest,
    ImportRejects,
    StagedFiles,
    RowAcceptance,
    ImportReader,
    ImportJob,

    { provide: IntakeTopic, useFactory: connectIntakeTopic, inject: [SendGate, OrderCodec, OrdersTopic] },
    { provide: QueryApiAddress, useValue: new QueryApiAddress(settings.QUERY_API_PUBLIC_URL) },
    MongoIntakeStore,
    IntakeClosing,
    IntakeRecoveryJob,
    Intake,

    { provide: ReconciliationPlaces, useValue: new ReconciliationPlaces(settings) },
    { provide: LetterRecords, useValue: new LetterRecords(new RecordReader(client.connections())) },
    RedrivenLetters,
    RedriveWork,
    RedriveJob,

    OperationCompaction,
    OperationLeftovers,
    { provide: LetterTopic, useFactory: createLetterTopic, inject: [Mongo, KafkaPositions] },
    CompactionJob,
  ],
})
export class ProducerModule {}
