import type { Provider } from '@nestjs/common';
import { systemClock } from '@orders-pipeline/clock';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { Mongo } from '#service/mongodb/mongo.js';
import {
  BackfillController,
  BackfillRuns,
  UntranslatedOrders,
  type BackfillResult,
  BackfillWork,
  type BackfillProgress,
} from './backfill.js';
import { ClientActivity } from '../clients.js';
import type { MigrationParts } from '../facade.module.js';
import { MongoBucketStore } from '../writes/bucket-store.js';
import { MongoNumberStore } from '../writes/number-blocks.js';
import { settings } from '../settings.js';
import { Sides } from '../sides/sides.js';
import { SideReaders } from './side-readers.js';
import {
  type VerificationProgress,
  type VerificationResult,
  VerificationWork,
  Differences,
  VerificationRuns,
  VerifyController,
} from './verification.js';
import { LegacyGateway } from '../writes/legacy-gateway.js';
import { HighestNumber } from './runs-controller.js';
import { requireRunIndexes } from './stored-runs.js';
import { RunJob } from './run-job.js';

class VerifyJob extends RunJob<VerificationProgress, VerificationResult> {}
class BackfillJob extends RunJob<BackfillProgress, BackfillResult> {}

const zone = new LegacyTimeZone(settings.LEGACY_TIME_ZONE);

function createVerifyJob(
  mongo: Mongo,
  { runs: sides }: Sides,
  runs: VerificationRuns,
  differences: Differences,
  clients: ClientActivity,
) {
  const readers = new SideReaders(sides, new MongoBucketStore(mongo));
  const work = new VerificationWork(runs, differences, readers, zone, systemClock, () => clients.isBusy);
  return new VerifyJob(runs, work, systemClock, async () => requireRunIndexes(mongo.db));
}

function createBackfillJob(mongo: Mongo, { runs: sides }: Sides, runs: BackfillRuns, untranslated: UntranslatedOrders) {
  const readers = new SideReaders(sides, new MongoBucketStore(mongo));
  const work = new BackfillWork(runs, untranslated, {
    zone,
    legacy: async (interval, signal) => readers.legacy(interval, signal),
    isEmpty: async (interval, signal) => sides.legacy.isEmpty(interval, signal),
    startImport: async (files, key, signal) => sides.imports.start(files, key, signal),
  });
  return new BackfillJob(runs, work, systemClock, async () => requireRunIndexes(mongo.db));
}

const PROVIDERS: Provider[] = [
  VerificationRuns,
  Differences,
  BackfillRuns,
  UntranslatedOrders,
  {
    provide: HighestNumber,
    useFactory: (mongo: Mongo, { runs }: Sides) =>
      new HighestNumber(new LegacyGateway(runs.legacy), new MongoNumberStore(mongo)),
    inject: [Mongo, Sides],
  },
  {
    provide: VerifyJob,
    useFactory: createVerifyJob,
    inject: [Mongo, Sides, VerificationRuns, Differences, ClientActivity],
  },
  { provide: BackfillJob, useFactory: createBackfillJob, inject: [Mongo, Sides, BackfillRuns, UntranslatedOrders] },
];

/** Verifications and backfills. */
export const RUNS: MigrationParts = { providers: PROVIDERS, controllers: [VerifyController, BackfillController] };
