import type { Command } from 'commander';
import { systemClock } from '@orders-pipeline/clock';
import { ArchiveError } from '#orders/archive/archive-manifest.js';
import { DiskFolder } from '#orders/archive/archive-folder.js';
import { archivedRangesCollection, type ArchivedRange } from '#orders/archive/archived-ranges.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import type { AdminEnvironment, RunCommand } from '../admin-environment.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { withMongo } from '../mongo-connection.js';
import { readSettings } from '../settings.js';
import { withArchiveLock } from './archive-lock.js';
import { BringBack } from './bring-back.js';
import { interruption } from './interruption.js';
import { MongoOrdersStore } from './mongo-orders-store.js';
import { DEFAULT_SHARE, Pace, toShare } from './pace.js';

/** Adds `archive bring-back`. It needs MongoDB only. */
export function bringBackCommand(archive: Command, run: RunCommand): void {
  archive
    .command('bring-back')
    .description('move archived orders back to MongoDB; safe to interrupt and to run again')
    .argument('<what>', 'the name of an archive, or the id of an operation')
    .argument('<dir>', 'the folder of the archives')
    .option('--share <percent>', 'how much of the time it works, 1 to 100', toShare, DEFAULT_SHARE)
    .action(async (what: string, dir: string, { share }: { readonly share: number }) =>
      run(async (environment) => bringBack({ what, dir, share }, environment)),
    );
}

interface Request {
  readonly what: string;
  readonly dir: string;
  readonly share: number;
}

async function bringBack({ what, dir, share }: Request, { env, print }: AdminEnvironment): Promise<ExitCode> {
  return withMongo(readSettings(env), async (mongo) => {
    const lock = { clock: systemClock, signal: interruption(), print };
    return withArchiveLock(mongo, lock, async (signal) => {
      const ranges = await rangesOf(mongo, what);
      const work = new BringBack({
        store: new MongoOrdersStore(mongo),
        folder: new DiskFolder(dir),
        pace: new Pace(systemClock, share),
        signal,
      });
      for (const range of ranges) {
        await work.run(range);
        print(
          `${range.archive}: ${range.count.toLocaleString('en-US')} orders are back; its file is not needed any more`,
        );
      }
      return EXIT_CODE.ok;
    });
  });
}

/** @throws ArchiveError `archive-missing` if nothing of that name is archived */
async function rangesOf(mongo: Mongo, what: string): Promise<ArchivedRange[]> {
  const found = await archivedRangesCollection(mongo.db)
    .find({ $or: [{ archive: what }, { operationId: what.toLowerCase() }] })
    .sort({ _id: 1 })
    .toArray();
  if (found.length > 0) return found;
  throw new ArchiveError(
    'archive-missing',
    `No archived orders have the archive or the operation ${what}: see archive list.`,
  );
}
