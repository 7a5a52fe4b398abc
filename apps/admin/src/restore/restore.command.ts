import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Document } from 'mongodb';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { registryAccess } from '#service/kafka/kafka-access.js';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import { createMongoClient } from '#service/mongodb/mongo.js';
import { commitOffsets, readKafkaState, requireNoMembers } from '../backup/kafka-state.js';
import { verifiedBackup, type Manifest } from '../backup/manifest.js';
import { withServers } from '../connections.js';
import { EXIT_CODE, type AdminEnvironment, type ExitCode, type Run } from '../environment.js';
import { readSettings } from '../settings.js';
import { LoggedOrders, readLog } from './log-findings.js';
import { ownIndexes, RestoreBackup } from './restore-backup.js';
import { describeReport, hasLosses } from './restore-report.js';

interface RestoreOptions {
  readonly check?: boolean;
  readonly connected?: boolean;
  readonly json?: boolean;
}

/** Adds `restore`. */
export function addRestoreCommand(program: Command, run: Run): void {
  program
    .command('restore')
    .description('load a backup into an empty database, and let the consumers read again what came after it')
    .argument('<dir>', 'the folder of a backup')
    .option('--check', 'only verify the backup, and whether it could be restored')
    .option('--connected', 'services that are connected to this MongoDB use another database of it')
    .option('--json', 'print the report as JSON')
    .action(run(restore));
}

async function restore(
  { env, print: printResult, printError }: AdminEnvironment,
  dir: string,
  { check = false, connected = false, json = false }: RestoreOptions,
): Promise<ExitCode> {
  const directory = resolve(dir);
  const settings = readSettings(env);
  // Progress is no part of the result.
  const print = json ? printError : printResult;
  const manifest = await verifiedBackup(directory);
  print(`Backup ${manifest.id} of ${manifest.createdAt} is complete and unaltered.`);
  return withServers(settings, async ({ mongo, admin, reader }) => {
    const restoring = new RestoreBackup({
      db: mongo.db,
      now: () => mongo.time.now(),
      directory,
      manifest,
      createIndexes: async () => createIndexes(settings.MONGODB_URI, directory, manifest, print),
      kafkaState: async () => readKafkaState(admin, reader),
      readLog: (ranges) => readLog(reader, ORDERS_TOPIC, ranges),
      orders: async () => new LoggedOrders(await OrderCodec.connect(registryAccess(settings))),
      requireNoMembers: async () => requireNoMembers(admin),
      commitOffsets: async (offsets) => commitOffsets(admin, offsets),
      print,
    });
    const interrupted = await restoring.check();
    if (!connected) await restoring.target.requireNoServices(print);
    if (check) {
      print(
        interrupted === undefined ? 'It can be restored.' : 'A restore of it was interrupted, and can be continued.',
      );
      return EXIT_CODE.ok;
    }
    const report = await restoring.run(interrupted);
    for (const line of json ? [JSON.stringify(report)] : describeReport(report)) printResult(line);
    return hasLosses(report) ? EXIT_CODE.differs : EXIT_CODE.ok;
  });
}

/** Without time-outs: indexes of millions of orders take minutes. */
async function createIndexes(
  uri: string,
  directory: string,
  manifest: Manifest,
  print: (line: string) => void,
): Promise<void> {
  await migrateAt(uri, { print });
  const client = createMongoClient(uri, { appName: 'orders-admin' });
  try {
    for (const dump of manifest.collections) {
      const own = await ownIndexes(join(directory, manifest.database), dump);
      if (own.length === 0) continue;
      await client.db().command({ createIndexes: dump.name, indexes: own satisfies Document[] });
      print(`created ${own.map(({ name }) => String(name)).join(', ')} of ${dump.name}, as at the backup`);
    }
  } finally {
    await client.close();
  }
}
