import type { Collection, Db } from 'mongodb';

/** The runtime override of each consumer's in-flight limit. Consumers poll it once a second, with their heartbeat. */
export interface InFlightOverrideDocument {
  readonly _id: 'in-flight';
  readonly limit: number | 'auto';
  /** By MongoDB's clock. */
  readonly at: Date;
}

/** The highest limit that a consumer's memory is sized for, whatever limit it was started with. */
export const MAX_IN_FLIGHT_OVERRIDE = 10_000;

export function inFlightOverridesCollection(db: Db): Collection<InFlightOverrideDocument> {
  return db.collection<InFlightOverrideDocument>('consumerWishes');
}

/**
 * Finds the current override.
 * @param since ignores overrides that were set before
 * @returns `null` if there is no override
 */
export async function findInFlightOverride(
  db: Db,
  since: Date = new Date(0),
): Promise<InFlightOverrideDocument | null> {
  return inFlightOverridesCollection(db).findOne({ _id: 'in-flight', at: { $gte: since } });
}

/**
 * Sets or removes the override.
 * @param limit `null` resets each consumer to its configured limit
 */
export async function setInFlightOverride(db: Db, limit: InFlightOverrideDocument['limit'] | null): Promise<void> {
  const overrides = inFlightOverridesCollection(db);
  if (limit === null) await overrides.deleteOne({ _id: 'in-flight' });
  else
    await overrides.updateOne({ _id: 'in-flight' }, { $set: { limit }, $currentDate: { at: true } }, { upsert: true });
}
