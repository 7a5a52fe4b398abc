import type { Command } from 'commander';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import type { RunCommand } from '../admin-environment.js';
import { EXIT_CODE } from '../exit-code.js';
import { readSettings } from '../settings.js';

/** Adds `migrate`. It needs MongoDB only. */
export function addMigrateCommand(program: Command, run: RunCommand): void {
  program
    .command('migrate')
    .description('create missing indexes of MongoDB while services run; safe to run again, and by two people at once')
    .option(
      '--drop',
      'also drop indexes and collections that this version does not use: after the last service of the previous one',
    )
    .action(async ({ drop = false }: { readonly drop?: boolean }) =>
      run(async ({ env, print }) => {
        const isMigrated = await migrateAt(readSettings(env).MONGODB_URI, { drop, print });
        return isMigrated ? EXIT_CODE.ok : EXIT_CODE.differs;
      }),
    );
}
