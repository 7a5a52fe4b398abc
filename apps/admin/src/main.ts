// `npm run admin -- …`: makes and changes what the services need, with the rights of an administrator.
import { existsSync } from 'node:fs';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { pino } from 'pino';
import { kafkaAccess } from '#service/kafka/kafka-access.js';
import { KafkaProbe } from '#service/kafka/kafka-probe.js';
import { explainConnection } from '#service/process/explain-connection.js';
import { adminCommandLine, EXIT_CODE, type AdminContext } from './command-line.js';
import { readSettings } from './settings.js';

async function run(work: (context: AdminContext) => Promise<number>): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const settings = readSettings(process.env);
  const options = { ...kafkaAccess(settings), clientId: 'orders-admin', logger: pino({ level: 'silent' }) };
  const probe = new KafkaProbe(options);
  const admin = connectKafka(options).admin();
  try {
    await probe.requireAccess();
    await admin.connect();
    process.exitCode = await work({ settings, admin, print: (line) => console.log(line) });
  } finally {
    await Promise.all([admin.disconnect(), probe.close()]);
  }
}

try {
  await adminCommandLine(run).parseAsync();
} catch (error) {
  console.error(explainConnection(error) ?? (error instanceof Error ? error.message : String(error)));
  process.exitCode = EXIT_CODE.failed;
}
