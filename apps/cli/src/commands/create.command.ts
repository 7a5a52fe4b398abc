import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { usageError } from '../cli-error.js';
import type { CommandContext, RunCommand } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import type { AcceptedOrders } from '#api/producer.js';
import { tableOf } from '../terminal/table.js';

const COLUMNS = [{ heading: 'order' }, { heading: 'number', align: 'right' }] as const;

interface CreateOptions {
  readonly key?: string;
  readonly json?: true;
}

/** `create FILE`: sends the orders of a JSON file. */
export function addCreateCommand(program: Command, run: RunCommand): void {
  program
    .command('create')
    .description('send one order, or up to 1,000, to be saved; returns when Kafka has them')
    .argument('<file>', 'JSON file with an order or an array of orders')
    .option('--key <key>', 'Idempotency-Key: the same command with the same key sends once (default: a random one)')
    .option('--json', 'print ids and numbers as JSON')
    .action(async (file: string, options: CreateOptions, command: Command) =>
      run(command, async (context) => create(context, file, options)),
    );
}

async function create(
  { client, terminal, workingDirectory }: CommandContext,
  file: string,
  { key = randomUUID(), json }: CreateOptions,
): Promise<ExitCode> {
  const body = await readOrders(resolve(workingDirectory, file));
  requireJson(body, file);
  const accepted = await client.request<AcceptedOrders>({
    method: 'POST',
    path: '/v1/orders',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: () => body,
    unknownOutcome: `The orders may be accepted. Repeat the command with --key ${key}: it sends them at most once.`,
  });
  const rows = accepted.items.map(({ id, number }) => [id, String(number)]);
  terminal.out.write(`${json ? JSON.stringify(accepted) : tableOf(COLUMNS, rows)}\n`);
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
