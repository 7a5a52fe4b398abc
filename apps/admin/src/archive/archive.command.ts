import { InvalidArgumentError, type Command } from 'commander';
import type { Db } from 'mongodb';
import { validate as isUuid } from 'uuid';
import { systemClock } from '@orders-pipeline/clock';
import { ArchiveError } from '#orders/archive/archive-manifest.js';
import { DiskFolder } from '#orders/archive/archive-folder.js';
import { REMOVE_AFTER_MS, archivedRangesCollection, type ArchivedRange } from '#orders/archive/archived-ranges.js';
import { withMongo, withServers } from '../connections.js';
import {
  EXIT_CODE,
  figure,
  integerUpTo,
  operationId,
  type AdminEnvironment,
  type ExitCode,
  type Run,
} from '../environment.js';
import { Pace } from '../pace.js';
import { readSettings } from '../settings.js';
import { withArchiveLock } from './archive-lock.js';
import { ArchiveRun, bringBack, type ArchiveResult } from './archive-run.js';
import { MongoArchiveStore } from './archive-store.js';
import { formatArchives, listArchives, readArchived, type Wanted } from './read-archives.js';

/** How much of the time a command works, in percent, if `--share` is not given. */
const DEFAULT_SHARE = 75;

interface ArchiveOptions {
  readonly before?: Date;
  readonly operation?: string;
  readonly share: number;
  readonly json?: boolean;
}

/** Adds `archive`, and the commands that list, read and bring back what it has archived. */
export function addArchiveCommands(program: Command, run: Run): void {
  const archive = program
    .command('archive')
    .description('move orders of ended operations from MongoDB to files; safe to interrupt and to run again')
    .enablePositionalOptions()
    .argument('<dir>', 'the folder of the archives')
    .option('--before <date>', 'orders that were saved before this day or time, such as 2026-01-31', toDate)
    .option('--operation <id>', 'only orders of this operation', operationId)
    .option('--share <percent>', 'how much of the time it works, 1 to 100', integerUpTo(100), DEFAULT_SHARE)
    .option('--json', 'print the result as JSON')
    .action(run(move));
  archive
    .command('list')
    .description('list archived orders, and whether their files are there')
    .argument('[dir]', 'the folder of the archives')
    .option('--verify', 'read the files, and compare them with their hashes')
    .option('--json', 'print the list as JSON')
    .action(run(list));
  archive
    .command('read')
    .description('print archived orders as lines of JSON; needs no server')
    .argument('<what>', "an order's id or number, or a range of numbers such as 1..100", toWanted)
    .argument('<dir>', 'the folder of the archives')
    .action(run(read));
  archive
    .command('bring-back')
    .description('move archived orders back to MongoDB; safe to interrupt and to run again')
    .argument('<what>', 'the name of an archive, or the id of an operation')
    .argument('<dir>', 'the folder of the archives')
    .option('--share <percent>', 'how much of the time it works, 1 to 100', integerUpTo(100), DEFAULT_SHARE)
    .action(run(bringAllBack));
}

async function move(
  { env, print }: AdminEnvironment,
  dir: string,
  { before, operation, share, json = false }: ArchiveOptions,
  command: Command,
): Promise<ExitCode> {
  // Not a required option of commander, which would also require it of the commands below.
  if (before === undefined) return command.error("error: required option '--before <date>' not specified");
  return withServers(readSettings(env), async ({ mongo, positions }) => {
    await requireNoMigration(mongo.db);
    const printStep = json ? () => undefined : print;
    const result = await withArchiveLock(mongo, { clock: systemClock, print: printStep }, async (signal) =>
      new ArchiveRun({
        store: new MongoArchiveStore(mongo),
        folder: new DiskFolder(dir),
        selection: { before, operationId: operation },
        positions,
        clock: systemClock,
        pace: new Pace(systemClock, share),
        removeAfterMs: REMOVE_AFTER_MS,
        signal,
        print: printStep,
      }).run(),
    );
    for (const line of json ? [JSON.stringify(result)] : formatResult(result)) print(line);
    return result.left.length > 0 ? EXIT_CODE.differs : EXIT_CODE.ok;
  });
}

/** Needs MongoDB only. */
async function bringAllBack(
  { env, print }: AdminEnvironment,
  what: string,
  dir: string,
  { share }: { readonly share: number },
): Promise<ExitCode> {
  return withMongo(readSettings(env), async (mongo) =>
    withArchiveLock(mongo, { clock: systemClock, print }, async (signal) => {
      const [store, folder, pace] = [new MongoArchiveStore(mongo), new DiskFolder(dir), new Pace(systemClock, share)];
      for (const range of await rangesOf(mongo.db, what)) {
        await bringBack({ store, folder, pace, signal }, range);
        print(`${range.archive}: ${figure(range.count)} orders are back; its file is not needed any more`);
      }
      return EXIT_CODE.ok;
    }),
  );
}

function formatResult({ archives, orders, tooNew, left }: ArchiveResult): string[] {
  return [
    ...left.map((line) => `left: ${line}`),
    ...(tooNew > 0 ? [`${tooNew} blocks have orders that were not saved before the date`] : []),
    `${figure(orders)} orders archived in ${archives} files`,
  ];
}

async function list(
  { env, print }: AdminEnvironment,
  dir: string | undefined,
  { verify = false, json = false }: { readonly verify?: boolean; readonly json?: boolean },
): Promise<ExitCode> {
  if (verify && dir === undefined)
    throw new ArchiveError('archive-missing', '--verify needs the folder of the archives');
  return withMongo(readSettings(env), async ({ db }) => {
    const ranges = await archivedRangesCollection(db).find().sort({ _id: 1 }).toArray();
    const archives = await listArchives(ranges, dir === undefined ? undefined : new DiskFolder(dir), verify);
    for (const line of json ? [JSON.stringify(archives, null, 2)] : formatArchives(archives)) print(line);
    return archives.some(({ problem }) => problem !== undefined) ? EXIT_CODE.differs : EXIT_CODE.ok;
  });
}

async function read({ print }: AdminEnvironment, wanted: Wanted, dir: string): Promise<ExitCode> {
  const printed = await readArchived(new DiskFolder(dir), wanted, print);
  if (printed > 0) return EXIT_CODE.ok;
  throw new ArchiveError('archive-missing', `No archive in ${dir} has such an order.`);
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const ZONED = /(?:Z|[+-]\d{2}:\d{2})$/;

function toDate(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()) || !(DAY.test(text) || ZONED.test(text)))
    throw new InvalidArgumentError(
      'It must be a day (UTC) such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z.',
    );
  return date;
}

function toWanted(text: string): Wanted {
  if (isUuid(text)) return { id: text.toLowerCase() };
  const [, from = '', to = from] = /^(\d{1,16})(?:\.\.(\d{1,16}))?$/.exec(text) ?? [];
  if (from === '' || Number(to) < Number(from))
    throw new InvalidArgumentError(
      "It must be an order's id (a UUID) or number, or a range of numbers such as 1..100.",
    );
  return { from: Number(from), to: Number(to) };
}

/** @throws ArchiveError `archive-missing` if nothing of that name is archived */
async function rangesOf(db: Db, what: string): Promise<ArchivedRange[]> {
  const found = await archivedRangesCollection(db)
    .find({ $or: [{ archive: what }, { operationId: what.toLowerCase() }] })
    .sort({ _id: 1 })
    .toArray();
  if (found.length > 0) return found;
  throw new ArchiveError(
    'archive-missing',
    `No archived orders have the archive or the operation ${what}: see archive list.`,
  );
}

/** The part of the facade's state that matters here. */
interface MigrationState {
  readonly _id: string;
  readonly capabilities?: Readonly<Record<string, { readonly stage: string }>>;
}

/**
 * Refuses to archive while a migration from the legacy system is under way: its comparisons and its verification would report archived
 * orders as missing on the target.
 * @throws ArchiveError `archive-refused`
 */
async function requireNoMigration(db: Db): Promise<void> {
  const state = await db.collection<MigrationState>('migration').findOne({ _id: 'state' });
  const stages = Object.values(state?.capabilities ?? {}).map(({ stage }) => stage);
  if (stages.every((stage) => stage === 'off') || stages.every((stage) => stage === 'complete')) return;
  throw new ArchiveError(
    'archive-refused',
    'A migration from the legacy system is under way, and would report archived orders as missing: archive when all its stages are complete.',
  );
}
