import type { Command } from 'commander';
import type { ImportFile, ImportReject, Operation, Reconciliation } from '#api/producer.js';
import { EXIT_CODE, type ExitCode } from '../cli-error.js';
import type { CommandContext, Run } from '../environment.js';
import { operationPath } from '../producer/operation-events.js';
import { itemsOf, pagesOf, withQuery } from '../producer/producer-client.js';
import { operationsTable } from '../terminal/operation-text.js';
import { printableLines, printList } from '../terminal/output.js';
import { operationId } from './option-values.js';
import { follow, printOperation } from './started-operation.js';

const INTERRUPTIONS = {
  pause: 'pause an operation after its current chunk',
  resume: 'resume a paused operation',
  cancel: 'cancel an operation after its current chunk; acknowledged orders remain',
};
const EXIT_CODES: Readonly<Record<Reconciliation['verdict'], ExitCode>> = {
  holds: EXIT_CODE.ok,
  broken: EXIT_CODE.failed,
  pending: EXIT_CODE.pending,
};
const TEXT_SHOWN = 120;

interface JsonOption {
  readonly json?: true;
}

interface ListOptions extends JsonOption {
  readonly status?: string;
  readonly kind?: string;
  readonly all?: true;
}

interface ShowOptions extends JsonOption {
  readonly watch?: true;
}

/** The commands that show operations and their progress, and those that change or check one. */
export function addOperationsCommands(program: Command, run: Run): void {
  program
    .command('operations')
    .description('list the operations, newest first')
    .option('--status <status>', 'only those with this status: running, paused, succeeded, cancelled or failed')
    .option('--kind <kind>', 'only those of this kind: populate, import, intake or redrive')
    .option('--all', 'list all operations (default: the newest 20)')
    .option('--json', 'print them as a JSON array')
    .action(run(listOperations));
  program
    .command('operation')
    .description('show one operation')
    .argument('<id>', 'id of the operation', operationId)
    .option('--watch', 'watch it until it ends')
    .option('--json', 'print it as JSON')
    .action(run(showOperation));
  program
    .command('watch')
    .description('watch an operation until it ends; Ctrl-C stops watching, but not the operation')
    .argument('<id>', 'id of the operation', operationId)
    .option('--json', 'print it as JSON at the end')
    .action(run(async (context, id: string, { json }: JsonOption) => follow(context, id, json)));
  // Each is idempotent.
  for (const [action, description] of Object.entries(INTERRUPTIONS))
    program
      .command(action)
      .description(description)
      .argument('<id>', 'id of the operation', operationId)
      .option('--json', 'print the operation as JSON')
      .action(
        run(async (context, id: string, { json }: JsonOption) => {
          printOperation(context, await context.client.post({ path: `${operationPath(id)}/${action}` }), json);
          return EXIT_CODE.ok;
        }),
      );
  program
    .command('rejects')
    .description('list the rejected files and rows of an import, with the reasons')
    .argument('<id>', 'id of the import', operationId)
    .option('--json', 'print them as a JSON array, with full texts')
    .action(run(listRejects));
  program
    .command('reconcile')
    .description('check that no order of an operation is lost; takes minutes for millions of orders')
    .argument('<id>', 'id of the operation', operationId)
    .option('--json', 'print the report as JSON')
    .action(run(reconcile));
}

async function listOperations({ client, terminal }: CommandContext, options: ListOptions): Promise<ExitCode> {
  const { status, kind, all, json } = options;
  const path = withQuery('/v1/operations', { status, kind, pageSize: all ? '100' : '20' });
  const operations: Operation[] = [];
  for await (const page of pagesOf<Operation>(client, path)) {
    operations.push(...page);
    if (!all) break;
  }
  if (json) terminal.out.write(`${JSON.stringify(operations)}\n`);
  else if (operations.length === 0) terminal.err.write('No operations found.\n');
  else terminal.out.write(`${operationsTable(operations)}\n`);
  return EXIT_CODE.ok;
}

async function showOperation(context: CommandContext, id: string, { watch, json }: ShowOptions): Promise<ExitCode> {
  if (watch) return follow(context, id, json);
  printOperation(context, await context.client.get(operationPath(id)), json);
  return EXIT_CODE.ok;
}

/** Lists rejected files, then rows. */
async function listRejects({ client, terminal }: CommandContext, id: string, { json }: JsonOption): Promise<ExitCode> {
  async function* rejects(): AsyncGenerator<Reject> {
    for await (const { name, state, reason } of itemsOf<ImportFile>(client, `/v1/imports/${id}/files`))
      if (state === 'refused') yield { fileName: name, row: null, ...reason };
    yield* itemsOf<ImportReject>(client, `/v1/imports/${id}/rejects`);
  }
  const listed = await printList(terminal.out, rejects(), json, rejectLine);
  if (listed === 0 && !json) terminal.err.write('No files or rows were rejected.\n');
  return EXIT_CODE.ok;
}

/** A row, or a whole file. */
type Reject = ImportReject | ({ readonly fileName: string; readonly row: null } & Partial<ImportFile['reason']>);

/** Formats a reject such as `orders-7.json row 12 (byte 1834) bad-amount: must be a decimal: {"amount":…`. */
function rejectLine(reject: Reject): string {
  if (reject.row === null) return `${reject.fileName} ${reject.code}: ${reject.detail}`;
  const { fileName, row, byteOffset, code, detail, text } = reject;
  const shown = text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN).toWellFormed()}…` : text;
  return `${fileName} row ${row} (byte ${byteOffset}) ${code}: ${detail}${shown === '' ? '' : `: ${shown}`}`;
}

/** Checks that each order that Kafka acknowledged is saved or dead-lettered. */
async function reconcile({ client, terminal }: CommandContext, id: string, { json }: JsonOption): Promise<ExitCode> {
  const report = await client.post<Reconciliation>({ path: `${operationPath(id)}/reconcile`, noTimeout: true });
  terminal.out.write(`${json ? JSON.stringify(report) : printableLines(report.text)}\n`);
  return EXIT_CODES[report.verdict];
}
