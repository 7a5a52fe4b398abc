import type { Command } from 'commander';
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { DiskFolder } from '#orders/archive/archive-folder.js';
import { timeLimit } from '#orders/time-limit.js';
import { reconcile } from '#reconcile/reconcile.js';
import { formatReport, type Verdict } from '#reconcile/report.js';
import { kafkaAccess } from '#service/kafka/kafka-access.js';
import { KafkaPositions, KafkaProbe } from '#service/kafka/kafka-clients.js';
import { readMonotonically } from '#service/mongodb/monotonic-reads.js';
import { explain, figure, operationId, type AdminEnvironment, type ExitCode, type Run } from './environment.js';
import { readReconcileSettings } from './settings.js';

const PROGRESS_EVERY_MS = 200;

const EXIT_CODES: Readonly<Record<Verdict, ExitCode>> = { holds: 0, broken: 1, pending: 2 };

const EXIT_CODES_HELP = `
Exit codes, as those of npm run orders -- reconcile:
  0    ok: every acknowledged order is saved or a dead letter
  1    mismatch, or not checked: the operation is unknown, or a server is unavailable or refuses
  2    pending, work is unfinished: retry later; or the command line is wrong`;

interface ReconcileOptions {
  readonly json?: true;
  readonly archive?: string;
}

/**
 * Adds `reconcile`, which is `npm run reconcile`. It checks that every acknowledged order of one operation is saved or a dead letter. It
 * reads MongoDB and Kafka directly and does not rely on the services.
 */
export function addReconcileCommand(program: Command, run: Run): void {
  program
    .command('reconcile')
    .configureHelp({ commandUsage: () => 'npm run reconcile -- [options] <operation>' })
    .showHelpAfterError('(npm run reconcile -- --help shows the arguments and options)')
    .description('check that no order of an operation is lost; needs no service, and only reads')
    .argument('<operation>', 'the id of the operation', operationId)
    .option('--json', 'print the report as JSON')
    .option('--archive <dir>', 'also verify the archives of the operation, which are in this folder')
    .addHelpText('after', EXIT_CODES_HELP)
    .action(run(reconcileOrExplain));
}

/** A failure is no verdict. Its exit code is that of a mismatch, and not 2, which asks to retry. */
async function reconcileOrExplain(
  environment: AdminEnvironment,
  id: string,
  options: ReconcileOptions,
): Promise<ExitCode> {
  try {
    return await reconcileOperation(environment, id, options);
  } catch (error) {
    environment.printError(explain(error));
    return EXIT_CODES.broken;
  }
}

async function reconcileOperation(
  { env, print }: AdminEnvironment,
  id: string,
  { json, archive }: ReconcileOptions,
): Promise<ExitCode> {
  const settings = readReconcileSettings(env);
  const client = new MongoClient(settings.MONGODB_URI, {
    appName: 'orders-reconcile',
    serverSelectionTimeoutMS: timeLimit(5_000),
  });
  // Without this, stored orders could seem to be missing right after a fail-over.
  readMonotonically(client);
  const kafka = { ...kafkaAccess(settings), clientId: 'orders-reconcile', logger: pino({ level: 'silent' }) };
  const probe = new KafkaProbe(kafka);
  const positions = new KafkaPositions(connectKafka(kafka));
  const progress = new ProgressLine(process.stderr);
  try {
    await probe.requireAccess();
    const report = await reconcile({
      client,
      db: client.db(),
      positions,
      operationId: id,
      archives: archive === undefined ? undefined : new DiskFolder(archive),
      onProgress: (done, acked) => progress.show(done, acked),
    });
    progress.clear();
    print(json ? JSON.stringify(report, null, 2) : formatReport(report));
    return EXIT_CODES[report.verdict];
  } finally {
    progress.clear();
    await Promise.all([client.close(), positions.close(), probe.close()]);
  }
}

/** Shows the progress in one line of a terminal, which it overwrites. It prints nothing if the output is not a terminal. */
class ProgressLine {
  private shownAt = 0;

  constructor(private readonly terminal: NodeJS.WriteStream) {}

  show(done: number, total: number): void {
    const now = Date.now();
    if (!this.terminal.isTTY || now - this.shownAt < PROGRESS_EVERY_MS) return;
    this.shownAt = now;
    this.terminal.write(`\r${Math.floor((100 * done) / Math.max(1, total))} % of ${figure(total)} orders`);
  }

  clear(): void {
    if (this.shownAt === 0) return;
    this.shownAt = 0;
    this.terminal.write('\r\u001b[K');
  }
}
