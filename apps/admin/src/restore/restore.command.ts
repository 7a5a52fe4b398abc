import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Admin } from 'kafkajs';
import type { Document } from 'mongodb';
import { systemClock } from '@orders-pipeline/clock';
import { connectKafka, KafkajsConnections, RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { registryAccess } from '#service/kafka/kafka-access.js';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import { type Mongo, createMongoClient } from '#service/mongodb/mongo.js';
import type { AdminEnvironment, RunCommand } from '../admin-environment.js';
import { readKafkaState } from '../backup/kafka-state.js';
import type { Manifest } from '../backup/manifest.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { withKafkaAdmin } from '../kafka-admin.js';
import { withMongo } from '../mongo-connection.js';
import { readSettings, type AdminSettings } from '../settings.js';
import { commitOffsets, requireNoMembers } from './consumer-groups.js';
import { describeReport } from './describe-report.js';
import { ownIndexes } from './load-collection.js';
import { LoggedOrders } from './logged-order.js';
import { readLog } from './read-log.js';
import { RestoreBackup } from './restore-backup.js';
import { RestoreError } from './restore-error.js';
import { hasLosses } from './restore-report.js';
import { RestoreTarget } from './restore-target.js';
import { verifiedBackup } from './verified-backup.js';

interface RestoreOptions {
  readonly check?: boolean;
  readonly connected?: boolean;
  readonly json?: boolean;
}

/** Adds `restore`. */
export function addRestoreCommand(program: Command, run: RunCommand): void {
  program
    .command('restore')
    .description('load a backup into an empty database, and let the consumers read again what came after it')
    .argument('<dir>', 'the folder of a backup')
    .option('--check', 'only verify the backup, and whether it could be restored')
    .option('--connected', 'services that are connected to this MongoDB use another database of it')
    .option('--json', 'print the report as JSON')
    .action(async (directory: string, options: RestoreOptions) =>
      run(async (environment) => restore(resolve(directory), options, environment)),
    );
}

async function restore(directory: string, options: RestoreOptions, environment: AdminEnvironment): Promise<ExitCode> {
  const settings = readSettings(environment.env);
  // Progress is no part of the result.
  const print = options.json === true ? environment.printError : environment.print;
  const manifest = await verifiedBackup(directory);
  print(`Backup ${manifest.id} of ${manifest.createdAt} is complete and unaltered.`);
  return withKafkaAdmin(settings, async (admin, kafka) =>
    withMongo(settings, async (mongo) => {
      const reader = new RecordReader(new KafkajsConnections(connectKafka(kafka)));
      try {
        const context = { settings, directory, manifest, mongo, admin, reader, print };
        return await restoreTo(context, options, environment.print);
      } finally {
        await reader.close();
      }
    }),
  );
}

interface RestoreContext {
  readonly settings: AdminSettings;
  readonly directory: string;
  readonly manifest: Manifest;
  readonly mongo: Mongo;
  readonly admin: Admin;
  readonly reader: RecordReader;
  readonly print: (line: string) => void;
}

async function restoreTo(
  context: RestoreContext,
  { check = false, connected = false, json = false }: RestoreOptions,
  printResult: (line: string) => void,
): Promise<ExitCode> {
  const { settings, directory, manifest, mongo, admin, reader, print } = context;
  const target = new RestoreTarget(mongo.db, manifest.id);
  const restoring = new RestoreBackup({
    db: mongo.db,
    now: () => mongo.time.now(),
    directory,
    manifest,
    target,
    createIndexes: async () => createIndexes(context),
    kafkaState: async () => readKafkaState(admin, reader),
    readLog: (ranges) => readLog(reader, ORDERS_TOPIC, ranges),
    orders: async () => new LoggedOrders(await OrderCodec.connect(registryAccess(settings))),
    requireNoMembers: async () => requireNoMembers(admin),
    commitOffsets: async (offsets) => commitOffsets(admin, offsets),
    clock: systemClock,
    print,
  });
  const interrupted = await restoring.check();
  if (!connected) await requireNoServices(target, print);
  if (check) {
    print(interrupted === undefined ? 'It can be restored.' : 'A restore of it was interrupted, and can be continued.');
    return EXIT_CODE.ok;
  }
  const report = await restoring.run(interrupted);
  for (const line of json ? [JSON.stringify(report)] : describeReport(report)) printResult(line);
  return hasLosses(report) ? EXIT_CODE.differs : EXIT_CODE.ok;
}

/** Services keep what they know of the lost database in memory, such as the watermark. */
async function requireNoServices(target: RestoreTarget, print: (line: string) => void): Promise<void> {
  const services = await target.connectedServices();
  if (services === undefined)
    print('This user may not list the connections of MongoDB: make sure that all services are stopped.');
  if (services === undefined || services.length === 0) return;
  throw new RestoreError(
    'connected-services',
    `Services are connected to this MongoDB (${services.join(', ')}): stop them. If they use another database of it, add --connected.`,
  );
}

/** Without time-outs: indexes of millions of orders take minutes. */
async function createIndexes({ settings, directory, manifest, print }: RestoreContext): Promise<void> {
  await migrateAt(settings.MONGODB_URI, { print });
  const client = createMongoClient(settings.MONGODB_URI, { appName: 'orders-admin' });
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
