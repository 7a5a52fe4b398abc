import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { AcceptedOrders } from '#api/producer.js';
import { EXIT_CODE, usageError, type ExitCode } from '../cli-error.js';
import type { CommandContext, Run } from '../environment.js';
import { orderFiles, uploadOf } from '../producer/upload.js';
import { bytes, count, tableOf } from '../terminal/output.js';
import { decimalNumber, wholeNumber } from './option-values.js';
import { startOperation, type StartOptions } from './started-operation.js';

const ACCEPTED_COLUMNS = [{ heading: 'order' }, { heading: 'number', align: 'right' }] as const;

interface PopulateOptions extends StartOptions {
  readonly rate?: number;
  readonly seed?: number;
  readonly chunkSize?: number;
  readonly accounts?: number;
  readonly from?: string;
  readonly to?: string;
  readonly poison?: number;
  readonly oversized?: number;
  readonly duplicate?: number;
  readonly conflict?: number;
}

interface CreateOptions {
  readonly key?: string;
  readonly json?: true;
}

/** The commands that generate test orders, send a few orders, or upload legacy files. */
export function addNewOrdersCommands(program: Command, run: Run): void {
  program
    .command('populate')
    .description('generate test orders, as an operation that runs in the background')
    .argument('<count>', 'number of orders, 1 to 10000000', wholeNumber)
    .option('--rate <n>', 'average orders per second (default: unlimited)', decimalNumber)
    .option('--seed <n>', 'the same seed gives the same orders (default: random)', wholeNumber)
    .option('--chunk-size <n>', 'orders that Kafka acknowledges at once (default: 1000)', wholeNumber)
    .option('--accounts <n>', 'number of accounts of the orders (default: 100000)', wholeNumber)
    .option(
      '--from <date>',
      'createdAt of the first order, such as 2026-01-31 or 2026-01-31T12:00:00Z (default: a day before --to)',
    )
    .option('--to <date>', 'end of the createdAt range; a date includes its day (default: now)')
    .option('--poison <fraction>', 'fraction of records that can not be decoded: 0 to 1, 0.01 = 1 %', decimalNumber)
    .option('--oversized <fraction>', 'fraction of records that are too large, 0.01 = 1 %', decimalNumber)
    .option('--duplicate <fraction>', 'fraction of orders that are sent twice, 0.01 = 1 %', decimalNumber)
    .option(
      '--conflict <fraction>',
      'fraction of orders that are sent twice with different contents, 0.01 = 1 %',
      decimalNumber,
    )
    .option('--key <key>', 'Idempotency-Key: the same command with the same key runs once (default: a random one)')
    .option('--watch', 'watch the operation until it ends')
    .option('--json', 'print the operation as JSON')
    .action(run(populate));
  program
    .command('create')
    .description('send one order, or up to 1,000, to be saved; returns when Kafka has them')
    .argument('<file>', 'JSON file with an order or an array of orders')
    .option('--key <key>', 'Idempotency-Key: the same command with the same key sends once (default: a random one)')
    .option('--json', 'print ids and numbers as JSON')
    .action(run(create));
  program
    .command('import')
    .description('import legacy order files: a folder (its *.json), .json files, or one .zip')
    .argument('<path...>', 'folders or files; subfolders and symbolic links in folders are skipped')
    .option(
      '--key <key>',
      'Idempotency-Key: the same files with the same key are imported once (default: a random one)',
    )
    .option('--watch', 'watch the import until it ends')
    .option('--json', 'print the operation as JSON')
    .action(run(importFiles));
}

/** Sends no options that were not given, so that the producer applies its defaults: JSON has no `undefined`. */
async function populate(context: CommandContext, total: number, options: PopulateOptions): Promise<ExitCode> {
  const { rate: ratePerSecond, seed, chunkSize, accounts, from, to } = options;
  const { poison, oversized, duplicate, conflict } = options;
  const faults = { poison, oversized, duplicate, conflict };
  const isFaulty = Object.values(faults).some((fraction) => fraction !== undefined);
  const json = { count: total, ratePerSecond, seed, chunkSize, accounts, from, to, ...(isFaulty && { faults }) };
  return startOperation(context, { path: '/v1/populate', json }, options);
}

/** Uploads legacy files with one request, as one operation. */
async function importFiles(context: CommandContext, paths: string[], options: StartOptions): Promise<ExitCode> {
  const files = await orderFiles(paths, context.workingDirectory);
  const { headers, bytes: size, body } = await uploadOf(files);
  context.terminal.err.write(`Uploading ${count(files.length)} file${files.length === 1 ? '' : 's'}, ${bytes(size)}\n`);
  // No timeout: the producer responds after it has received all files, which can take any time.
  return startOperation(context, { path: '/v1/imports', headers, body, noTimeout: true }, options);
}

async function create(
  { client, terminal, workingDirectory }: CommandContext,
  file: string,
  { key = randomUUID(), json }: CreateOptions,
): Promise<ExitCode> {
  const body = await readOrders(resolve(workingDirectory, file));
  requireJson(body, file);
  const accepted = await client.post<AcceptedOrders>({
    path: '/v1/orders',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: () => body,
    unknownOutcome: `The orders may have been accepted. Repeat the command with --key ${key}: it sends them at most once.`,
  });
  const rows = accepted.items.map(({ id, number }) => [id, String(number)]);
  terminal.out.write(`${json ? JSON.stringify(accepted) : tableOf(ACCEPTED_COLUMNS, rows)}\n`);
  return EXIT_CODE.ok;
}

async function readOrders(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usageError('unreadable-file', `Cannot read ${path}: ${reason}`, 'Pass a JSON file with orders.');
  }
}

/** The producer does not know the file: its answer could not name it. @throws CliError `invalid-json` */
function requireJson(body: string, file: string): void {
  try {
    // A byte order mark is allowed, as the producer allows it.
    JSON.parse(body.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const remedy = 'Nothing was sent. The file must have one order, or an array of orders.';
    throw usageError('invalid-json', `${file} is not JSON: ${error.message}`, remedy);
  }
}
