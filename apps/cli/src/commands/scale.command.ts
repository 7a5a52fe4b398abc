import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext, RunCommand } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { wholeNumber } from './option-values.js';

const ScalingSchema = z.looseObject({ count: z.int(), idle: z.int().nullable() });

/** `scale COUNT`: starts or drains consumers of a running `npm start`, through its console. */
export function addScaleCommand(program: Command, run: RunCommand, defaultConsoleUrl: string): void {
  program
    .command('scale')
    .description('have so many consumers under a running `npm start`: they start, or drain')
    .argument('<count>', 'consumer processes, 1 to 64', wholeNumber)
    .option('--console <url>', 'the console (or ORDERS_CONSOLE_URL)', defaultConsoleUrl)
    .option('--json', 'print the answer as JSON')
    .action(async (count: number, { console: url, json }: { console: string; json?: true }, command: Command) =>
      run(command, async (context) => scale(context, count, json), url),
    );
}

async function scale({ client, terminal }: CommandContext, wanted: number, json?: true): Promise<ExitCode> {
  const answer = await client.ask(
    {
      method: 'POST',
      path: '/v1/pipeline/consumers',
      headers: { 'content-type': 'application/json' },
      body: () => JSON.stringify({ count: wanted }),
    },
    ScalingSchema,
  );
  const { count, idle } = answer;
  terminal.out.write(
    json ? `${JSON.stringify(answer)}\n` : `${count} ${count === 1 ? 'consumer' : 'consumers'} from now on\n`,
  );
  if (idle !== null && idle > 0)
    terminal.err.write(`${idle} of them ${idle === 1 ? 'has' : 'have'} nothing to do: a partition has one consumer.\n`);
  return EXIT_CODE.ok;
}
