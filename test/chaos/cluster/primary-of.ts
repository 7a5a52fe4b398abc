import type { Db } from 'mongodb';
import { isDatabaseUnavailable } from '#service/mongodb/database-unavailable.js';
import { eventually } from '../../support/eventually.js';

/**
 * Returns the index of the primary among the configured members; waits up to 20 s for an election. Retries here too, since the driver
 * does not retry a command whose connection ends during the write.
 * @throws Error if there is no primary within 20 s, or the driver's error if it does not mean an unavailable server
 */
export async function primaryOf(db: Db): Promise<number> {
  let place = -1;
  await eventually('MongoDB has a primary', async () => {
    place = await currentPrimary(db);
    return place >= 0;
  });
  return place;
}

/** @returns -1 if there is no primary or no member answers */
async function currentPrimary(db: Db): Promise<number> {
  try {
    const { primary, hosts } = await db.admin().command({ hello: 1 }, { readPreference: 'primaryPreferred' });
    return (hosts as string[]).indexOf(String(primary));
  } catch (error) {
    if (isDatabaseUnavailable(error)) return -1;
    throw error;
  }
}
