/**
 * `npm run reconcile -- OPERATION` checks the no-loss equation of one operation. It reads MongoDB and Kafka directly and does
 * not rely on the services. Exit code 0: the equation holds; 1: it does not hold or can't be checked, such as that of an unknown
 * operation; 2: work is pending, or the command line is wrong.
 */
import { existsSync } from 'node:fs';
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { DiskFolder } from '#orders/archive/archive-folder.js';
import { kafkaAccess } from '#service/kafka/kafka-access.js';
import { KafkaProbe, KafkaPositions } from '#service/kafka/kafka-clients.js';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { reconcile } from '#reconcile/reconcile.js';
import { EXIT_CODES, formatReport } from '#reconcile/report.js';
import { explainConnection } from '#service/availability/explain-connection.js';
import { readMonotonically } from '#service/mongodb/monotonic-reads.js';
import { exitCodeOf, readCommandLine } from './command-line.js';
import { ProgressLine } from './progress-line.js';
import { readSettings } from './settings.js';
import { timeLimit } from '#orders/time-limit.js';

async function run(): Promise<number> {
  const { operationId, json, archive } = readCommandLine(process.argv.slice(2));
  if (existsSync('.env')) process.loadEnvFile('.env');
  const settings = readSettings(process.env);
  const logger = pino({ level: 'silent' });
  const client = new MongoClient(settings.MONGODB_URI, {
    appName: 'orders-reconcile',
    serverSelectionTimeoutMS: timeLimit(5_000),
  });
  // Without this, stored orders could seem to be missing right after a fail-over.
  readMonotonically(client);
  const kafka = { ...kafkaAccess(settings), clientId: 'orders-reconcile', logger };
  const probe = new KafkaProbe(kafka);
  const positions = new KafkaPositions(connectKafka(kafka));
  const progress = new ProgressLine(process.stderr);
  try {
    await probe.requireAccess();
    const report = await reconcile({
      client,
      db: client.db(),
      positions,
      operationId,
      archives: archive === undefined ? undefined : new DiskFolder(archive),
      onProgress: (done, acked) => progress.show(done, acked),
    });
    progress.clear();
    console.log(json ? JSON.stringify(report, null, 2) : formatReport(report));
    return EXIT_CODES[report.verdict];
  } finally {
    progress.clear();
    await Promise.all([client.close(), positions.close(), probe.close()]);
  }
}

try {
  process.exitCode = await run();
} catch (error) {
  console.error(explainConnection(error) ?? (error instanceof Error ? error.message : String(error)));
  process.exitCode = exitCodeOf(error);
}
