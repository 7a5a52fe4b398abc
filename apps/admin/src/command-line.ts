import { Command, CommanderError } from 'commander';
import { explainConnection } from '#service/availability/explain-connection.js';
import type { AdminEnvironment, RunCommand } from './admin-environment.js';
import { addBackupCommand } from './backup/backup.command.js';
import { addArchiveCommands } from './archive/archive.command.js';
import { EXIT_CODE, EXIT_CODES_HELP, type ExitCode } from './exit-code.js';
import { addMigrateCommand } from './migrate/migrate.command.js';
import { addRestoreCommand } from './restore/restore.command.js';
import { addRolesCommands } from './roles/roles.command.js';
import { addServersCommand } from './servers/servers.command.js';
import { addTopicsCommands } from './topics/topics.command.js';
import { addUsersCommand } from './users/users.command.js';

/**
 * Runs one command line of `npm run admin`, and prints its failure as one line.
 * @param args the arguments without node and script
 * @returns the exit code of the process
 */
export async function runCommandLine(args: readonly string[], environment: AdminEnvironment): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODE.ok;
  try {
    const program = commandLine(environment, async (work) => {
      exitCode = await work(environment);
    });
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has already printed the error or the requested help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.ok : EXIT_CODE.failed;
    environment.printError(explainConnection(error) ?? (error instanceof Error ? error.message : String(error)));
    return EXIT_CODE.failed;
  }
}

function commandLine({ print, printError }: AdminEnvironment, run: RunCommand): Command {
  const program = new Command('npm run admin --')
    .description('Plans and makes what the services need on your servers, with the rights of an administrator.')
    .addHelpText('after', EXIT_CODES_HELP)
    .configureOutput({
      writeOut: (text) => print(text.trimEnd()),
      writeErr: (text) => printError(text.trimEnd()),
    })
    .showHelpAfterError('(add --help to a command to see its arguments and options)')
    // Options after a command's name are its own, also if the command above has one of the same name.
    .enablePositionalOptions()
    // Makes commander throw instead of ending the process. Commands that are added later inherit this.
    .exitOverride();
  addTopicsCommands(program, run);
  addMigrateCommand(program, run);
  addRolesCommands(program, run);
  addUsersCommand(program, run);
  addServersCommand(program, run);
  addBackupCommand(program, run);
  addRestoreCommand(program, run);
  addArchiveCommands(program, run);
  return program;
}
