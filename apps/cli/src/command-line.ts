import { Command, CommanderError, Help } from 'commander';
import { readGivenSettings } from '#service/settings/settings.js';
import { CREDENTIALS_HELP, credentialsIn } from './auth/credentials.js';
import { CliError, explain, usageError } from './cli-error.js';
import { cliSettingsSchema, type CliSettings } from './cli-settings.js';
import type { CliEnvironment, RunCommand } from './command-context.js';
import { addCreateCommand } from './commands/create.command.js';
import { addDeadLettersCommands } from './commands/dead-letters.command.js';
import { addImportCommand } from './commands/import.command.js';
import { addInterruptionCommands } from './commands/interruptions.command.js';
import { addMigrationCommands } from './commands/migration/migration.command.js';
import { addOperationsCommands } from './commands/operations.command.js';
import { addPopulateCommand } from './commands/populate.command.js';
import { addReconcileCommand } from './commands/reconcile.command.js';
import { addRedriveCommands } from './commands/redrive.command.js';
import { addRejectsCommand } from './commands/rejects.command.js';
import { addScaleCommand } from './commands/scale.command.js';
import { EXIT_CODE, EXIT_CODES_HELP, type ExitCode } from './exit-code.js';
import { ProducerClient } from './producer/producer-client.js';
import { defaultConsoleUrl, defaultFacadeUrl, defaultProducerUrl, serviceUrl } from './producer/service-url.js';
import type { Terminal } from './terminal/terminal.js';

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
  const run: RunCommand = async (command, work, otherUrl) => {
    if (faults.size > 0)
      throw usageError('bad-setting', [...faults.values()].join('\n'), 'Correct the environment or .env.');
    const { url } = command.optsWithGlobals<{ url: string }>();
    const [service, timing] = [serviceUrl(otherUrl ?? url), { clock, random: Math.random }];
    const client = new ProducerClient(service, timing, credentialsIn(env));
    exitCode = await work({ ...environment, client });
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
  run: RunCommand,
  addToMigration: (migration: Command) => void,
): Command {
  const program = new Command('npm run orders --')
    .description('Starts and watches operations of the orders pipeline through the HTTP API of the producer.')
    .option('--url <url>', 'address of the producer (or ORDERS_URL)', defaultProducerUrl(env))
    .addHelpText('after', `${READING_HELP}\n${CREDENTIALS_HELP}\n${EXIT_CODES_HELP}`)
    .configureHelp({ showGlobalOptions: true, commandUsage: usageAsTyped })
    .configureOutput({
      writeOut: (text) => void terminal.out.write(text),
      writeErr: (text) => void terminal.err.write(text),
    })
    .showHelpAfterError('(add --help to a command to see its arguments and options)')
    // Makes commander throw instead of ending the process. Commands that are added later inherit this.
    .exitOverride();
  addPopulateCommand(program, run);
  addCreateCommand(program, run);
  addImportCommand(program, run);
  addOperationsCommands(program, run);
  addInterruptionCommands(program, run);
  addRejectsCommand(program, run);
  addReconcileCommand(program, run);
  addDeadLettersCommands(program, run);
  addRedriveCommands(program, run);
  addScaleCommand(program, run, defaultConsoleUrl(env));
  addToMigration(addMigrationCommands(program, run, defaultFacadeUrl(env)));
  return program;
}
