import type { Command } from 'commander';
import { usageError } from '../cli-error.js';
import type { CommandContext, RunCommand } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import type { DiscardResult, RedrivePlan } from '#api/producer.js';
import { count } from '../terminal/figures.js';
import { printable } from '../terminal/printable.js';
import { nameExistingCodes } from './existing-error-codes.js';
import { given } from './given-members.js';
import { decimalNumber, letterId, operationId, wholeNumber } from './option-values.js';
import { startOperation, type StartOptions } from './started-operation.js';

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

/** `redrive [ID]` and `discard [ID]`: redrive or discard dead letters. */
export function addRedriveCommands(program: Command, run: RunCommand): void {
  selecting(program.command('redrive'), 'redrive dead letters: one, those of an error code or an operation, or all')
    .option('--limit <n>', 'maximum number of dead letters', wholeNumber)
    .option('--rate <n>', 'records per second (default: unlimited)', decimalNumber)
    .option('--max-redrives <n>', 'skip dead letters that were redriven this often (default: 5)', wholeNumber)
    .option('--dry-run', 'only print what would be sent')
    .option('--key <key>', 'Idempotency-Key: the same command with the same key runs once (default: a random one)')
    .option('--watch', 'watch the redrive until the result of each dead letter is known')
    .option('--json', 'print the answer as JSON')
    .action(async (id: string | undefined, options: RedriveOptions, command: Command) =>
      run(command, async (context) => redrive(context, id, options)),
    );
  selecting(program.command('discard'), 'discard dead letters that can not be repaired')
    .option('--json', 'print the answer as JSON')
    .action(async (id: string | undefined, options: Selection & { json?: true }, command: Command) =>
      run(command, async (context) => {
        const { client, terminal } = context;
        const body = JSON.stringify(selectionOf(id, options));
        const answer = await client.request<DiscardResult>(post('/v1/dead-letters/discard', body));
        terminal.out.write(options.json ? `${JSON.stringify(answer)}\n` : `${count(answer.discarded)} discarded\n`);
        if (answer.discarded === 0) await nameExistingCodes(context, options.error);
        return EXIT_CODE.ok;
      }),
    );
}

function selecting(command: Command, description: string): Command {
  return command
    .description(description)
    .argument('[id]', 'id of one dead letter, such as orders.v1/3/4711', letterId)
    .option('--error <code>', 'those with this error code')
    .option('--operation <id>', 'those of this operation', operationId)
    .option('--all', 'all pending dead letters');
}

async function redrive(context: CommandContext, id: string | undefined, options: RedriveOptions): Promise<ExitCode> {
  const { limit, rate: ratePerSecond, maxRedrives, dryRun } = options;
  const request = { ...selectionOf(id, options), ...given({ limit, ratePerSecond, maxRedrives, dryRun }) };
  const body = JSON.stringify(request);
  const redriveRequest = post('/v1/dead-letters/redrive', body);
  if (!dryRun) return startOperation(context, redriveRequest, options);
  const plan = await context.client.request<RedrivePlan>(redriveRequest);
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
  return given({ id, errorCode, operationId: operation, all });
}

function post(path: string, body: string) {
  return { method: 'POST', path, headers: { 'content-type': 'application/json' }, body: () => body } as const;
}
