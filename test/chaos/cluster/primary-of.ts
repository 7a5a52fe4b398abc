import type { Db } from 'mongodb';
import { isDatabaseAway } from '#service/database-away.js';
import { eventually } from '../../support/eventually.js';

/** An election takes some 10 s where the old primary doesn't step down. */
const ELECTED_WITHIN_MS = 20_000;

/**
 * Which of a set's members, as they are configured, is primary; waited for while one is elected. The driver lets the end of a connection through that it was just writing to.
 * @throws when there is none for so long, or what the driver throws when it isn't that a server is away
 */
export async function primaryOf(db: Db): Promise<number> {
  let place = -1;
  await eventually('MongoDB has a primary', ELECTED_WITHIN_MS, async () => {
    place = await told(db);
    return place >= 0;
  });
  return place;
}

/** -1: none is now, or nobody can tell. */
async function told(db: Db): Promise<number> {
  try {
    const { primary, hosts } = await db.admin().command({ hello: 1 }, { readPreference: 'primaryPreferred' });
    return (hosts as string[]).indexOf(String(primary));
  } catch (error) {
    if (isDatabaseAway(error)) return -1;
    throw error;
  }
}
