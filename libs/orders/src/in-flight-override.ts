import type { Collection, Db } from 'mongodb';

/** How many orders each consumer shall have in flight, as somebody has set it while they run. Consumers look for it once a second. */
export interface InFlightOverrideDocument {
  readonly _id: 'in-flight';
  readonly limit: number | 'auto';
  /** By MongoDB's clock. */
  readonly at: Date;
}

/** What a consumer's memory is laid out for, whatever it was started with. */
export const MAX_IN_FLIGHT_OVERRIDE = 10_000;

export function inFlightOverridesCollection(db: Db): Collection<InFlightOverrideDocument> {
  return db.collection<InFlightOverrideDocument>('consumerWishes');
}

/** @param since wishes of before don't count. @returns `null`: nobody wishes for anything */
export async function findInFlightOverride(
  db: Db,
  since: Date = new Date(0),
): Promise<InFlightOverrideDocument | null> {
  return inFlightOverridesCollection(db).findOne({ _id: 'in-flight', at: { $gte: since } });
}

/** @param limit `null`: as each consumer was started */
export async function setInFlightOverride(db: Db, limit: InFlightOverrideDocument['limit'] | null): Promise<void> {
  const wishes = inFlightOverridesCollection(db);
  if (limit === null) await wishes.deleteOne({ _id: 'in-flight' });
  else await wishes.updateOne({ _id: 'in-flight' }, { $set: { limit }, $currentDate: { at: true } }, { upsert: true });
}
