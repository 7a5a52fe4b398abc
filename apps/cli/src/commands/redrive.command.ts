import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext, RunCommand } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { count } from '../terminal/figures.js';
import { printable } from '../terminal/printable.js';
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

const PlanSchema = z.looseObject({
  letters: z.number(),
  spent: z.number(),
  errors: z.array(z.looseObject({ errorCode: z.string(), count: z.number() })),
});

const DiscardedSchema = z.looseObject({ discarded: z.number() });

/** `redrive [ID]` and `discard [ID]`: what becomes of dead letters. */
export function addRedriveCommands(program: Command, run: RunCommand): void {
  selecting(program.command('redrive'), 'send dead letters again: one, those of a reason or an operation, or all')
    .option('--limit <n>', 'letters at the most', wholeNumber)
    .option('--rate <n>', 'records per second (default: as fast as it goes)', decimalNumber)
    .option('--max-redrives <n>', 'not those that were redriven so often already (default: 5)', wholeNumber)
    .option('--dry-run', 'only say what would be sent')
    .option('--key <key>', 'Idempotency-Key: the same command with the same key runs once (default: a random one)')
    .option('--watch', 'follow it until it is known how each one ended')
    .option('--json', 'print the answer as JSON')
    .action(async (id: string | undefined, options: RedriveOptions, command: Command) =>
      run(command, async (context) => redrive(context, id, options)),
    );
  selecting(program.command('discard'), 'let dead letters wait no more that nothing can repair')
    .option('--json', 'print the answer as JSON')
    .action(async (id: string | undefined, options: Selection & { json?: true }, command: Command) =>
      run(command, async ({ client, terminal }) => {
        const body = JSON.stringify(selectionOf(id, options));
        const answer = await client.ask(post('/v1/dead-letters/discard', body), DiscardedSchema);
        terminal.out.write(options.json ? `${JSON.stringify(answer)}\n` : `${count(answer.discarded)} discarded\n`);
        return EXIT_CODE.ok;
      }),
    );
}

function selecting(command: Command, description: string): Command {
  return command
    .description(description)
    .argument('[id]', 'one, such as orders.v1/3/4711', letterId)
    .option('--error <code>', 'those that failed for this reason')
    .option('--operation <id>', 'those of the orders of this operation', operationId)
    .option('--all', 'all that wait');
}

async function redrive(context: CommandContext, id: string | undefined, options: RedriveOptions): Promise<ExitCode> {
  const { limit, rate: ratePerSecond, maxRedrives, dryRun } = options;
  const request = { ...selectionOf(id, options), ...given({ limit, ratePerSecond, maxRedrives, dryRun }) };
  const body = JSON.stringify(request);
  const asked = post('/v1/dead-letters/redrive', body);
  if (!dryRun) return startOperation(context, asked, options);
  const plan = await context.client.ask(asked, PlanSchema);
  context.terminal.out.write(`${options.json ? JSON.stringify(plan) : planText(plan)}\n`);
  return EXIT_CODE.ok;
}

function planText({ letters, spent, errors }: z.infer<typeof PlanSchema>): string {
  return [
    `${count(letters)} would be sent`,
    ...errors.map(({ errorCode, count: some }) => printable(`  ${count(some)} ${errorCode}`)),
    ...(spent > 0 ? [`${count(spent)} left alone: redriven that often already`] : []),
  ].join('\n');
}

/** What is allowed together the producer knows. */
function selectionOf(id: string | undefined, { error: errorCode, operation, all }: Selection): object {
  return given({ id, errorCode, operationId: operation, all });
}

function post(path: string, body: string) {
  return { method: 'POST', path, headers: { 'content-type': 'application/json' }, body: () => body } as const;
}
