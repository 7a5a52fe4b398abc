import { Command, CommanderError } from 'commander';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import { addArchiveCommands } from './archive/archive.command.js';
import { addBackupCommand } from './backup/take-backup.js';
import { EXIT_CODE, EXIT_CODES_HELP, explain, type AdminEnvironment, type ExitCode, type Run } from './environment.js';
import { addReconcileCommand } from './reconcile.command.js';
import { addRestoreCommand } from './restore/restore.command.js';
import { addRolesCommands } from './roles.command.js';
import { addServersCommand } from './servers.command.js';
import { readSettings } from './settings.js';
import { addTopicsCommands } from './topics/topics.command.js';
import { addUsersCommand } from './users.command.js';

/**
 * Runs one command line of `npm run admin`, and prints its failure as one line.
 * @param args the arguments without node and script
 * @returns the exit code of the process
 */
export async function runCommandLine(args: readonly string[], environment: AdminEnvironment): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODE.ok;
  try {
    const run: Run =
      (work) =>
      async (...given) => {
        exitCode = await work(environment, ...given);
      };
    const program = commandLine(environment, run);
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has already printed the error or the requested help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.ok : EXIT_CODE.failed;
    environment.printError(explain(error));
    return EXIT_CODE.failed;
  }
}

function commandLine({ print, printError }: AdminEnvironment, run: Run): Command {
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
  addReconcileCommand(program, run);
  return program;
}

/** Adds `migrate`. It needs MongoDB only. */
function addMigrateCommand(program: Command, run: Run): void {
  program
    .command('migrate')
    .description('create missing indexes of MongoDB while services run; safe to run again, and by two people at once')
    .option(
      '--drop',
      'also drop indexes and collections that this version does not use: after the last service of the previous one',
    )
    .action(
      run(async ({ env, print }, { drop = false }: { readonly drop?: boolean }) => {
        const isMigrated = await migrateAt(readSettings(env).MONGODB_URI, { drop, print });
        return isMigrated ? EXIT_CODE.ok : EXIT_CODE.differs;
      }),
    );
}
