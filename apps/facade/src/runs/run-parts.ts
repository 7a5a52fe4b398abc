import type { Provider } from '@nestjs/common';
import { systemClock } from '@orders-pipeline/clock';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { BackfillController } from '../backfill/backfill.controller.js';
import { BackfillRuns, UntranslatedOrders, type BackfillResult } from '../backfill/backfill-runs.js';
import { BackfillWork } from '../backfill/backfill-work.js';
import type { BackfillProgress } from '../backfill/run-backfill.js';
import { ClientActivity } from '../clients/client-activity.js';
import type { MigrationParts } from '../facade.module.js';
import { MongoBucketStore } from '../intents/mongo-bucket-store.js';
import { MongoNumberStore } from '../intents/mongo-number-store.js';
import { settings } from '../settings.js';
import { Sides } from '../sides/sides.js';
import { SideReaders } from '../verify/side-readers.js';
import type { VerificationProgress, VerificationResult } from '../verify/verification-progress.js';
import { VerificationWork } from '../verify/verification-work.js';
import { Differences, VerificationRuns } from '../verify/verification-runs.js';
import { VerifyController } from '../verify/verify.controller.js';
import { LegacyGateway } from '../writes/legacy-gateway.js';
import { HighestNumber } from './highest-number.js';
import { requireRunIndexes } from './run-document.js';
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
