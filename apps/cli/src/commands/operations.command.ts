import type { Command } from 'commander';
import type { CommandContext, RunCommand } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { operationById } from '../producer/operation-requests.js';
import { pagesOf } from '../producer/pages.js';
import type { Operation } from '#api/producer.js';
import { operationsTable } from '../terminal/operation-text.js';
import { follow } from './follow.js';
import { operationId } from './option-values.js';
import { printOperation } from './started-operation.js';

interface ListOptions {
  readonly status?: string;
  readonly kind?: string;
  readonly all?: true;
  readonly json?: true;
}

interface ShowOptions {
  readonly watch?: true;
  readonly json?: true;
}

/** `operations`, `operation ID` and `watch ID`: show operations and their progress. */
export function addOperationsCommands(program: Command, run: RunCommand): void {
  program
    .command('operations')
    .description('list the operations, newest first')
    .option('--status <status>', 'only those with this status: running, paused, succeeded, cancelled or failed')
    .option('--kind <kind>', 'only those of this kind: populate, import, intake or redrive')
    .option('--all', 'list all operations (default: the newest 20)')
    .option('--json', 'print them as a JSON array')
    .action(async (options: ListOptions, command: Command) =>
      run(command, async (context) => listOperations(context, options)),
    );
  program
    .command('operation')
    .description('show one operation')
    .argument('<id>', 'id of the operation', operationId)
    .option('--watch', 'watch it until it ends')
    .option('--json', 'print it as JSON')
    .action(async (id: string, { watch, json }: ShowOptions, command: Command) =>
      run(command, async (context) => {
        if (watch) return follow(context, id, { ...(json && { json }) });
        printOperation(context, await operationById(context.client, id), json);
        return EXIT_CODE.ok;
      }),
    );
  program
    .command('watch')
    .description('watch an operation until it ends; Ctrl-C stops watching, but not the operation')
    .argument('<id>', 'id of the operation', operationId)
    .option('--json', 'print it as JSON at the end')
    .action(async (id: string, options: ShowOptions, command: Command) =>
      run(command, async (context) => follow(context, id, options)),
    );
}

async function listOperations({ client, terminal }: CommandContext, options: ListOptions): Promise<ExitCode> {
  const { status, kind, all, json } = options;
  const query = new URLSearchParams({
    ...(status !== undefined && { status }),
    ...(kind !== undefined && { kind }),
    pageSize: all ? '100' : '20',
  });
  const operations: Operation[] = [];
  for await (const page of pagesOf<Operation>(client, `/v1/operations?${query.toString()}`)) {
    operations.push(...page);
    if (!all) break;
  }
  if (json) terminal.out.write(`${JSON.stringify(operations)}\n`);
  else if (operations.length === 0) terminal.err.write('No operations found.\n');
  else terminal.out.write(`${operationsTable(operations)}\n`);
  return EXIT_CODE.ok;
}
