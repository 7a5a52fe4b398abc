import { InvalidArgumentError, type Command } from 'commander';
import { validate as isUuid } from 'uuid';
import { systemClock } from '@orders-pipeline/clock';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { ArchiveError } from '#orders/archive/archive-manifest.js';
import { DiskFolder } from '#orders/archive/archive-folder.js';
import { REMOVE_AFTER_MS, archivedRangesCollection } from '#orders/archive/archived-ranges.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import type { AdminEnvironment, RunCommand } from '../admin-environment.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { withKafkaAdmin } from '../kafka-admin.js';
import { withMongo } from '../mongo-connection.js';
import { readSettings } from '../settings.js';
import { ArchiveRun, type ArchiveResult } from './archive-run.js';
import { bringBackCommand } from './bring-back.command.js';
import { interruption } from './interruption.js';
import { withArchiveLock } from './archive-lock.js';
import { formatArchives, listArchives } from './list-archives.js';
import { requireNoMigration } from './migration-check.js';
import { MongoArchiveStore } from './mongo-archive-store.js';
import { DEFAULT_SHARE, Pace, toShare } from './pace.js';
import { readArchived, type Wanted } from './read-archive.js';

interface ArchiveOptions {
  readonly before: Date;
  readonly operation?: string;
  readonly share: number;
  readonly json?: true;
}

type GivenOptions = Omit<ArchiveOptions, 'before'> & { readonly before?: Date };

/** Adds `archive`, and the commands that list, read and bring back what it has archived. */
export function addArchiveCommands(program: Command, run: RunCommand): void {
  const archive = program
    .command('archive')
    .description('move orders of ended operations from MongoDB to files; safe to interrupt and to run again')
    .enablePositionalOptions()
    .argument('<dir>', 'the folder of the archives')
    .option('--before <date>', 'orders that were saved before this day or time, such as 2026-01-31', toDate)
    .option('--operation <id>', 'only orders of this operation', toOperation)
    .option('--share <percent>', 'how much of the time it works, 1 to 100', toShare, DEFAULT_SHARE)
    .option('--json', 'print the result as JSON')
    .action(async (dir: string, { before, ...options }: GivenOptions, command: Command) => {
      // Not a required option of commander, which would also require it of the commands below.
      if (before === undefined) command.error("error: required option '--before <date>' not specified");
      await run(async (environment) => move(dir, { ...options, before }, environment));
    });
  archive
    .command('list')
    .description('list archived orders, and whether their files are there')
    .argument('[dir]', 'the folder of the archives')
    .option('--verify', 'read the files, and compare them with their hashes')
    .option('--json', 'print the list as JSON')
    .action(async (dir: string | undefined, options: { readonly verify?: true; readonly json?: true }) =>
      run(async (environment) => list(dir, options, environment)),
    );
  archive
    .command('read')
    .description('print archived orders as lines of JSON; needs no server')
    .argument('<what>', "an order's id or number, or a range of numbers such as 1..100", toWanted)
    .argument('<dir>', 'the folder of the archives')
    .action(async (wanted: Wanted, dir: string) => run(async ({ print }) => read(dir, wanted, print)));
  bringBackCommand(archive, run);
}

async function move(dir: string, options: ArchiveOptions, { env, print }: AdminEnvironment): Promise<ExitCode> {
  const settings = readSettings(env);
  const { before, operation: operationId, share, json } = options;
  return withKafkaAdmin(settings, async (_admin, kafka) =>
    withMongo(settings, async (mongo) => {
      await requireNoMigration(mongo.db);
      const positions = new KafkaPositions(connectKafka(kafka));
      const context = { clock: systemClock, signal: interruption(), print: json ? () => undefined : print };
      try {
        const result = await withArchiveLock(mongo, context, async (signal) =>
          new ArchiveRun({
            ...context,
            signal,
            store: new MongoArchiveStore(mongo, positions, { before, operationId }),
            folder: new DiskFolder(dir),
            before,
            pace: new Pace(systemClock, share),
            removeAfterMs: REMOVE_AFTER_MS,
          }).run(),
        );
        if (json) print(JSON.stringify(result));
        else for (const line of formatResult(result)) print(line);
        return result.left.length > 0 ? EXIT_CODE.differs : EXIT_CODE.ok;
      } finally {
        await positions.close();
      }
    }),
  );
}

function formatResult({ archives, orders, tooNew, left }: ArchiveResult): string[] {
  return [
    ...left.map((line) => `left: ${line}`),
    ...(tooNew > 0 ? [`${tooNew} blocks have orders that were not saved before the date`] : []),
    `${orders.toLocaleString('en-US')} orders archived in ${archives} files`,
  ];
}

async function list(
  dir: string | undefined,
  { verify = false, json = false }: { readonly verify?: boolean; readonly json?: boolean },
  { env, print }: AdminEnvironment,
): Promise<ExitCode> {
  if (verify && dir === undefined)
    throw new ArchiveError('archive-missing', '--verify needs the folder of the archives');
  return withMongo(readSettings(env), async (mongo) => {
    const ranges = await archivedRangesCollection(mongo.db).find().sort({ _id: 1 }).toArray();
    const archives = await listArchives(ranges, dir === undefined ? undefined : new DiskFolder(dir), verify);
    if (json) print(JSON.stringify(archives, null, 2));
    else for (const line of formatArchives(archives)) print(line);
    return archives.some(({ problem }) => problem !== undefined) ? EXIT_CODE.differs : EXIT_CODE.ok;
  });
}

async function read(dir: string, wanted: Wanted, print: (line: string) => void): Promise<ExitCode> {
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

function toOperation(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('It must be the id of an operation, a UUID.');
  return text.toLowerCase();
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
