import { Module } from '@nestjs/common';
import { register } from 'prom-client';
import { systemClock } from '@orders-pipeline/clock';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { KafkaPositions } from '#service/kafka/kafka-positions.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { BackgroundModule } from '../background/background.module.js';
import { WakeUp } from '../background/leased-job.js';
import { ConnectionsModule, kafka } from '../connections.module.js';
import { ImportRejects } from '../imports/import-manifest.js';
import { settings } from '../settings.js';
import { CompactionJob, CompactionLeases, measureCompaction } from './compaction-job.js';
import { BlockBookkeeping, OperationCompaction } from './operation-compaction.js';
import { LetterTopic, OperationLeftovers } from './operation-leftovers.js';

const DELAY_MS = settings.COMPACTION_DELAY_SECONDS * 1_000;
const RETENTION_MS = settings.SETTLED_RETENTION_DAYS * 24 * 60 * 60 * 1_000;

function createCompaction(
  mongo: Mongo,
  positions: KafkaPositions,
  bookkeeping: BlockBookkeeping,
  archivedIds: ArchivedIds,
): OperationCompaction {
  return new OperationCompaction(mongo, positions, bookkeeping, archivedIds, systemClock);
}

function createLeftovers(mongo: Mongo): OperationLeftovers {
  return new OperationLeftovers(mongo, new ImportRejects(mongo), RETENTION_MS);
}

function createLetterTopic(mongo: Mongo, positions: KafkaPositions): LetterTopic {
  return new LetterTopic(kafka, mongo, positions, RETENTION_MS);
}

function createJob(
  mongo: Mongo,
  leases: CompactionLeases,
  compaction: OperationCompaction,
  leftovers: OperationLeftovers,
  letters: LetterTopic,
  wakeUp: WakeUp,
): CompactionJob {
  return new CompactionJob(
    mongo,
    leases,
    compaction,
    leftovers,
    letters,
    measureCompaction(register),
    DELAY_MS,
    wakeUp,
  );
}

/** Replaces the bookkeeping of ended operations by digests. */
@Module({
  imports: [ConnectionsModule, BackgroundModule],
  providers: [
    BlockBookkeeping,
    { provide: CompactionLeases, useFactory: (mongo: Mongo) => new CompactionLeases(mongo, DELAY_MS), inject: [Mongo] },
    {
      provide: OperationCompaction,
      useFactory: createCompaction,
      inject: [Mongo, KafkaPositions, BlockBookkeeping, ArchivedIds],
    },
    { provide: OperationLeftovers, useFactory: createLeftovers, inject: [Mongo] },
    { provide: LetterTopic, useFactory: createLetterTopic, inject: [Mongo, KafkaPositions] },
    {
      provide: CompactionJob,
      useFactory: createJob,
      inject: [Mongo, CompactionLeases, OperationCompaction, OperationLeftovers, LetterTopic, WakeUp],
    },
  ],
})
export class CompactionModule {}
