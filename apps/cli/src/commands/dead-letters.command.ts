import type { Command } from 'commander';
import type { CommandContext, RunCommand } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { pagesOf } from '../producer/pages.js';
import type { DeadLetter, DeadLetterGroups, DeadLetterSummary } from '#api/producer.js';
import { count } from '../terminal/figures.js';
import { JsonList } from '../terminal/json-list.js';
import { printable, printableLines } from '../terminal/printable.js';
import { tableOf } from '../terminal/table.js';
import { nameExistingCodes } from './existing-error-codes.js';
import { letterId, operationId } from './option-values.js';

interface ListOptions {
  readonly error?: string;
  readonly operation?: string;
  readonly redrive?: string;
  readonly state?: string;
  readonly list?: true;
  readonly json?: true;
}

/** `dead-letters` and `dead-letter ID`: show records that could not be saved, and why. */
export function addDeadLettersCommands(program: Command, run: RunCommand): void {
  program
    .command('dead-letters')
    .description('list dead letters, grouped by error code; with --list or --redrive one by one')
    .option('--error <code>', 'only those with this error code')
    .option('--operation <id>', 'only those of this operation', operationId)
    .option('--redrive <id>', 'only those of this redrive, with the result of each', operationId)
    .option('--state <state>', 'only those in this state: pending, redriving, saved or discarded')
    .option('--list', 'list them one by one')
    .option('--json', 'print them as JSON')
    .action(async (options: ListOptions, command: Command) =>
      run(command, async (context) =>
        options.list || options.redrive ? listLetters(context, options) : listGroups(context, options),
      ),
    );
  program
    .command('dead-letter')
    .description('show one dead letter: its order and its bytes')
    .argument('<id>', 'id of the dead letter, such as orders.v1/3/4711', letterId)
    .option('--json', 'print it as JSON in one line')
    .action(async (id: string, { json }: { json?: true }, command: Command) =>
      run(command, async ({ client, terminal }) => {
        const letter = await client.request<DeadLetter>({ method: 'GET', path: `/v1/dead-letters/records/${id}` });
        terminal.out.write(`${json ? JSON.stringify(letter) : printableLines(JSON.stringify(letter, null, 2))}\n`);
        return EXIT_CODE.ok;
      }),
    );
}

async function listGroups(context: CommandContext, options: ListOptions): Promise<ExitCode> {
  const { client, terminal } = context;
  const path = `/v1/dead-letters${queryOf(options)}`;
  const groups = await client.request<DeadLetterGroups>({ method: 'GET', path });
  if (options.json) terminal.out.write(`${JSON.stringify(groups)}\n`);
  else if (groups.items.length === 0) await sayNoneFound(context, options);
  else {
    const rows = groups.items.map(({ errorCode, count: letters, redriven, lastAt, example }) => [
      printable(errorCode),
      count(letters),
      count(redriven),
      printable(lastAt),
      printable(example.message),
    ]);
    terminal.out.write(`${tableOf(COLUMNS, rows)}\n`);
  }
  return EXIT_CODE.ok;
}

const COLUMNS = [
  { heading: 'error' },
  { heading: 'letters', align: 'right' },
  { heading: 'redriven before', align: 'right' },
  { heading: 'last' },
  { heading: 'such as' },
] as const;

/** Lists page by page. It prints no table, because the column widths would require all dead letters at once. */
async function listLetters(context: CommandContext, options: ListOptions): Promise<ExitCode> {
  const { client, terminal } = context;
  const list = new JsonList(terminal.out);
  let listed = 0;
  for await (const page of pagesOf<DeadLetterSummary>(client, `/v1/dead-letters/records${queryOf(options)}`)) {
    listed += page.length;
    for (const letter of page) {
      if (options.json) list.add(letter);
      else terminal.out.write(`${lineOf(letter)}\n`);
    }
  }
  if (options.json) list.end();
  else if (listed === 0) await sayNoneFound(context, options);
  return EXIT_CODE.ok;
}

async function sayNoneFound(context: CommandContext, { error }: ListOptions): Promise<void> {
  context.terminal.err.write('No dead letters found.\n');
  await nameExistingCodes(context, error);
}

/** Formats a dead letter such as `orders.v1/3/4711 pending, redriven 1, order 4,712 of 01a2…: conflict: another order …`. */
function lineOf({ id, state, redrives, operationId: operation, number, error }: DeadLetterSummary): string {
  const redriven = redrives ? `, redriven ${redrives}` : '';
  const order =
    operation === null ? '' : `, ${number === null ? 'an order' : `order ${count(number)}`} of ${operation}`;
  return printable(`${id} ${state}${redriven}${order}: ${error.code}: ${error.message}`);
}

function queryOf({ error, operation, redrive, state }: ListOptions): string {
  const query = new URLSearchParams({
    ...(error !== undefined && { errorCode: error }),
    ...(operation !== undefined && { operationId: operation }),
    ...(redrive !== undefined && { redriveId: redrive }),
    ...(state !== undefined && { state }),
  });
  return query.size === 0 ? '' : `?${query.toString()}`;
}
