import type { Db } from 'mongodb';
import { ArchiveError } from '#orders/archive/archive-manifest.js';

/** The part of the facade's state that matters here. */
interface MigrationState {
  readonly _id: string;
  readonly capabilities?: Readonly<Record<string, { readonly stage: string }>>;
}

/**
 * Refuses to archive while a migration from the legacy system is under way: its comparisons and its verification would report archived
 * orders as missing on the new side.
 * @throws ArchiveError `archive-refused`
 */
export async function requireNoMigration(db: Db): Promise<void> {
  const state = await db.collection<MigrationState>('migration').findOne({ _id: 'state' });
  const stages = Object.values(state?.capabilities ?? {}).map(({ stage }) => stage);
  if (stages.every((stage) => stage === 'off') || stages.every((stage) => stage === 'complete')) return;
  throw new ArchiveError(
    'archive-refused',
    'A migration from the legacy system is under way, and would report archived orders as missing: archive when all its stages are complete.',
  );
}
