import type { Collection, Db } from 'mongodb';

/** How many orders each consumer shall have in flight, as somebody has set it while they run. Consumers look for it once a second. */
export interface InFlightWish {
  readonly _id: 'in-flight';
  readonly limit: number | 'auto';
  /** By MongoDB's clock. */
  readonly at: Date;
}

/** What a consumer's memory is laid out for, whatever it was started with. */
export const MAX_WISHED_IN_FLIGHT = 10_000;

export function consumerWishesCollection(db: Db): Collection<InFlightWish> {
  return db.collection<InFlightWish>('consumerWishes');
}

/** @param since wishes of before don't count. @returns `null`: nobody wishes for anything */
export async function inFlightWish(db: Db, since: Date = new Date(0)): Promise<InFlightWish | null> {
  return consumerWishesCollection(db).findOne({ _id: 'in-flight', at: { $gte: since } });
}

/** @param limit `null`: as each consumer was started */
export async function wishInFlight(db: Db, limit: InFlightWish['limit'] | null): Promise<void> {
  const wishes = consumerWishesCollection(db);
  if (limit === null) await wishes.deleteOne({ _id: 'in-flight' });
  else await wishes.updateOne({ _id: 'in-flight' }, { $set: { limit }, $currentDate: { at: true } }, { upsert: true });
}
