import { migrateAt, type MigrationOptions } from '#service/mongodb/migrate-database.js';
import { explainConnection } from '#service/availability/explain-connection.js';
import { StackError } from '../stack-error.js';

const REMEDY = 'Correct it, or set MONGODB_URI to another database, and start again.';

/** Migrates the database of a stack. @throws StackError `migration-failed` if the apps could not use it */
export async function migrateForStack(uri: string, options: MigrationOptions): Promise<void> {
  let isMigrated: boolean;
  try {
    isMigrated = await migrateAt(uri, options);
  } catch (error) {
    const reason = explainConnection(error) ?? (error instanceof Error ? error.message : String(error));
    throw new StackError('migration-failed', `The database can't be migrated: ${reason}`, REMEDY, { cause: error });
  }
  if (!isMigrated)
    throw new StackError('migration-failed', 'The database has other indexes than the apps need; see above.', REMEDY);
}
