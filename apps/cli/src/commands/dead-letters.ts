import type { Command } from 'commander';
import type { DeadLetter, DeadLetterGroups, DeadLetterSummary, DiscardResult, RedrivePlan } from '#api/producer.js';
import { EXIT_CODE, usageError, type ExitCode } from '../cli-error.js';
import type { CommandContext, Run } from '../environment.js';
import { itemsOf, withQuery } from '../producer/producer-client.js';
import { count, printable, printableLines, printList, tableOf } from '../terminal/output.js';
import { decimalNumber, letterId, operationId, wholeNumber } from './option-values.js';
import { startOperation, type StartOptions } from './started-operation.js';

const GROUP_COLUMNS = [
  { heading: 'error' },
  { heading: 'dead letters', align: 'right' },
  { heading: 'redriven before', align: 'right' },
  { heading: 'last' },
  { heading: 'such as' },
] as const;

interface ListOptions {
  readonly error?: string;
  readonly operation?: string;
  readonly redrive?: string;
  readonly state?: string;
  readonly list?: true;
  readonly json?: true;
}

interface Selection {
  readonly error?: string;
  readonly operation?: string;
  readonly all?: true;
}

interface RedriveOptions extends Selection, StartOptions {
  readonly limit?: number;
  readonly rate?: number;
  readonly maxRedrives?: number;
  readonly dryRun?: true;
}

/** The commands that show records that could not be saved, and why, and those that redrive or discard them. */
export function addDeadLettersCommands(program: Command, run: Run): void {
  program
    .command('dead-letters')
    .description('list dead letters, grouped by error code; with --list or --redrive one by one')
    .option('--error <code>', 'only those with this error code')
    .option('--operation <id>', 'only those of this operation', operationId)
    .option('--redrive <id>', 'only those of this redrive, with the result of each', operationId)
    .option('--state <state>', 'only those in this state: pending, redriving, saved or discarded')
    .option('--list', 'list them one by one')
    .option('--json', 'print them as JSON')
    .action(run(listLetters));
  program
    .command('dead-letter')
    .description('show one dead letter: its order and its bytes')
    .argument('<id>', 'id of the dead letter, such as orders.v1/3/4711', letterId)
    .option('--json', 'print it as JSON in one line')
    .action(run(showLetter));
  selecting(program.command('redrive'), 'redrive dead letters: one, those of an error code or an operation, or all')
    .option('--limit <n>', 'maximum number of dead letters', wholeNumber)
    .option('--rate <n>', 'records per second (default: unlimited)', decimalNumber)
    .option('--max-redrives <n>', 'skip dead letters that were redriven this often (default: 5)', wholeNumber)
    .option('--dry-run', 'only print what would be sent')
    .option('--key <key>', 'Idempotency-Key: the same command with the same key runs once (default: a random one)')
    .option('--watch', 'watch the redrive until the result of each dead letter is known')
    .option('--json', 'print the answer as JSON')
    .action(run(redrive));
  selecting(program.command('discard'), 'discard dead letters that can not be repaired')
    .option('--json', 'print the answer as JSON')
    .action(run(discard));
}

function selecting(command: Command, description: string): Command {
  return command
    .description(description)
    .argument('[id]', 'id of one dead letter, such as orders.v1/3/4711', letterId)
    .option('--error <code>', 'those with this error code')
    .option('--operation <id>', 'those of this operation', operationId)
    .option('--all', 'all pending dead letters');
}

async function listLetters(context: CommandContext, options: ListOptions): Promise<ExitCode> {
  const { client, terminal } = context;
  const { error: errorCode, operation, redrive: redriveId, state, json } = options;
  const query = { errorCode, operationId: operation, redriveId, state };
  let listed: number;
  if (options.list || redriveId) {
    const letters = itemsOf<DeadLetterSummary>(client, withQuery('/v1/dead-letters/records', query));
    listed = await printList(terminal.out, letters, json, letterLine);
  } else {
    const groups = await client.get<DeadLetterGroups>(withQuery('/v1/dead-letters', query));
    listed = groups.items.length;
    if (json) terminal.out.write(`${JSON.stringify(groups)}\n`);
    else if (listed > 0) terminal.out.write(`${groupsTable(groups)}\n`);
  }
  if (listed > 0 || json) return EXIT_CODE.ok;
  terminal.err.write('No dead letters found.\n');
  await nameExistingCodes(context, errorCode);
  return EXIT_CODE.ok;
}

function groupsTable({ items }: DeadLetterGroups): string {
  const rows = items.map(({ errorCode, count: letters, redriven, lastAt, example }) => [
    printable(errorCode),
    count(letters),
    count(redriven),
    printable(lastAt),
    printable(example.message),
  ]);
  return tableOf(GROUP_COLUMNS, rows);
}

/** Formats a dead letter such as `orders.v1/3/4711 pending, redriven 1, order 4,712 of 01a2…: conflict: another order …`. */
function letterLine({ id, state, redrives, operationId: operation, number, error }: DeadLetterSummary): string {
  const redriven = redrives ? `, redriven ${redrives}` : '';
  const order =
    operation === null ? '' : `, ${number === null ? 'an order' : `order ${count(number)}`} of ${operation}`;
  return `${id} ${state}${redriven}${order}: ${error.code}: ${error.message}`;
}

async function showLetter(
  { client, terminal }: CommandContext,
  id: string,
  { json }: { readonly json?: true },
): Promise<ExitCode> {
  const letter = await client.get<DeadLetter>(`/v1/dead-letters/records/${id}`);
  terminal.out.write(`${json ? JSON.stringify(letter) : printableLines(JSON.stringify(letter, null, 2))}\n`);
  return EXIT_CODE.ok;
}

async function redrive(context: CommandContext, id: string | undefined, options: RedriveOptions): Promise<ExitCode> {
  const { limit, rate: ratePerSecond, maxRedrives, dryRun } = options;
  const json = { ...selectionOf(id, options), limit, ratePerSecond, maxRedrives, dryRun };
  const request = { path: '/v1/dead-letters/redrive', json };
  if (!dryRun) return startOperation(context, request, options);
  const plan = await context.client.post<RedrivePlan>(request);
  context.terminal.out.write(`${options.json ? JSON.stringify(plan) : planText(plan)}\n`);
  if (plan.letters === 0) await nameExistingCodes(context, options.error);
  return EXIT_CODE.ok;
}

function planText({ letters, spent, errors }: RedrivePlan): string {
  return [
    `${count(letters)} would be sent`,
    ...errors.map(({ errorCode, count: some }) => printable(`  ${count(some)} ${errorCode}`)),
    ...(spent > 0 ? [`${count(spent)} skipped: maximum number of redrives reached`] : []),
  ].join('\n');
}

async function discard(
  context: CommandContext,
  id: string | undefined,
  options: Selection & { readonly json?: true },
): Promise<ExitCode> {
  const request = { path: '/v1/dead-letters/discard', json: selectionOf(id, options) };
  const answer = await context.client.post<DiscardResult>(request);
  context.terminal.out.write(options.json ? `${JSON.stringify(answer)}\n` : `${count(answer.discarded)} discarded\n`);
  if (answer.discarded === 0) await nameExistingCodes(context, options.error);
  return EXIT_CODE.ok;
}

/** Creates the selection for the request. @throws CliError for none, or for more than one kind */
function selectionOf(id: string | undefined, { error: errorCode, operation, all }: Selection): object {
  const isFiltered = errorCode !== undefined || operation !== undefined;
  const kinds = [id !== undefined, isFiltered, all === true].filter(Boolean).length;
  if (kinds !== 1)
    throw usageError(
      'ambiguous-selection',
      kinds === 0 ? 'Name the dead letters.' : 'Name the dead letters in one way only.',
      'Give an ID, or --error and --operation (one or both), or --all.',
    );
  return { id, errorCode, operationId: operation, all };
}

/**
 * Names the error codes of the dead letters, on standard error, if none has the given one: it may be misspelt. Handlers have codes of their
 * own, so that no list of all codes exists.
 * @param errorCode `undefined`: writes nothing
 */
async function nameExistingCodes({ client, terminal }: CommandContext, errorCode: string | undefined): Promise<void> {
  if (errorCode === undefined) return;
  const { items } = await client.get<DeadLetterGroups>('/v1/dead-letters');
  const codes = items.map((group) => group.errorCode);
  if (codes.length === 0 || codes.includes(errorCode)) return;
  terminal.err.write(
    `No dead letter has the error code ${printable(errorCode)}. There are: ${printable(codes.join(', '))}.\n`,
  );
}
