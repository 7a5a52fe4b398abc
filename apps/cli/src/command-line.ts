import { Command, CommanderError, Help } from 'commander';
import { readGivenSettings } from '#service/settings/settings.js';
import { CliError, EXIT_CODE, EXIT_CODES_HELP, explain, usageError, type ExitCode } from './cli-error.js';
import { cliSettingsSchema, type CliSettings } from './cli-settings.js';
import { addDeadLettersCommands } from './commands/dead-letters.js';
import { addMigrationCommands } from './commands/migration.js';
import { addNewOrdersCommands } from './commands/new-orders.js';
import { addOperationsCommands } from './commands/operations.js';
import { addScaleCommand } from './commands/scale.js';
import { addScalingDemoCommand } from './commands/scaling-demo.js';
import type { CliEnvironment, CommandContext, Run } from './environment.js';
import { CREDENTIALS_HELP, credentialsIn } from './producer/access-token.js';
import { defaultUrl, ProducerClient, serviceUrl } from './producer/producer-client.js';
import type { Terminal } from './terminal/output.js';

const READING_HELP = `
Saved orders are read from the query API, by page, id, range and export: its /docs, port 3000 by default.`;

/**
 * Runs one command line, and prints its failure on standard error.
 * @param args the arguments without node and script
 * @param addToMigration adds commands to `migration` that need more than a service
 * @returns the exit code of the process
 */
export async function runCommandLine(
  args: readonly string[],
  environment: CliEnvironment,
  addToMigration: (migration: Command) => void = () => undefined,
): Promise<ExitCode> {
  const { terminal, clock } = environment;
  let exitCode: ExitCode = EXIT_CODE.ok;
  const { values: env, faults } = readGivenSettings(Object.keys(cliSettingsSchema.shape), environment.env);
  const run: Run =
    <Given extends unknown[]>(work: (context: CommandContext, ...given: Given) => Promise<ExitCode>) =>
    async (...given: [...Given, Command]) => {
      if (faults.size > 0)
        throw usageError('bad-setting', [...faults.values()].join('\n'), 'Correct the environment or .env.');
      const command = given.at(-1) as Command;
      const { url, console: consoleUrl, facade } = command.optsWithGlobals<Record<string, string>>();
      const service = serviceUrl(facade ?? consoleUrl ?? url ?? '');
      const client = new ProducerClient(service, { clock, random: Math.random }, credentialsIn(env));
      exitCode = await work({ ...environment, client }, ...(given.slice(0, -1) as Given));
    };
  try {
    await commandLine(env, terminal, run, addToMigration).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has already printed the error or the requested help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.ok : EXIT_CODE.usage;
    terminal.err.write(`${explain(error)}\n`);
    return error instanceof CliError ? error.exitCode : EXIT_CODE.failed;
  }
}

/** `npm run migration` is its own script. */
function usageAsTyped(command: Command): string {
  return new Help().commandUsage(command).replace('npm run orders -- migration', 'npm run migration --');
}

function commandLine(
  env: CliSettings,
  terminal: Terminal,
  run: Run,
  addToMigration: (migration: Command) => void,
): Command {
  const program = new Command('npm run orders --')
    .description('Starts and watches operations of the orders pipeline through the HTTP API of the producer.')
    .option('--url <url>', 'address of the producer (or ORDERS_URL)', defaultUrl(env, 'producer'))
    .addHelpText('after', `${READING_HELP}\n${CREDENTIALS_HELP}\n${EXIT_CODES_HELP}`)
    .configureHelp({ showGlobalOptions: true, commandUsage: usageAsTyped })
    .configureOutput({
      writeOut: (text) => void terminal.out.write(text),
      writeErr: (text) => void terminal.err.write(text),
    })
    .showHelpAfterError('(add --help to a command to see its arguments and options)')
    // Makes commander throw instead of ending the process. Commands that are added later inherit this.
    .exitOverride();
  addNewOrdersCommands(program, run);
  addOperationsCommands(program, run);
  addDeadLettersCommands(program, run);
  addScaleCommand(program, run, defaultUrl(env, 'console'));
  addScalingDemoCommand(program, run, defaultUrl(env, 'console'));
  addToMigration(addMigrationCommands(program, run, defaultUrl(env, 'facade')));
  return program;
}
