import { MongoServerError, type Db } from 'mongodb';
import { OPERATIONAL_COLLECTIONS } from '#orders/database/indexes.js';
import { restoresCollection, type RestoreMarker } from '#service/mongodb/connect-prepared.js';
import { RestoreError } from './restore-error.js';

const UNAUTHORIZED = 13;
const DUPLICATE_KEY = 11_000;
/** How the services name their connections. */
const SERVICE = /^orders-(?:producer|consumer|query-api|facade|console)$/;

/** The database that a backup is restored to, and the marker of the restore in it. */
export class RestoreTarget {
  constructor(
    private readonly db: Db,
    private readonly backupId: string,
  ) {}

  /**
   * Checks that the database is empty, or has what an interrupted restore of the same backup has left.
   * @returns the marker of the interrupted restore. @throws RestoreError `other-restore`, `database-not-empty`
   */
  async requireEmpty(): Promise<RestoreMarker | undefined> {
    const marker = (await this.markers.findOne({})) ?? undefined;
    if (marker !== undefined && marker._id !== this.backupId)
      throw new RestoreError(
        'other-restore',
        `Database ${this.db.databaseName} has a part of backup ${marker._id}: restore that one, or drop the database.`,
      );
    if (marker !== undefined) return marker;
    const filled = await this.filledCollections();
    if (filled.length === 0) return undefined;
    throw new RestoreError(
      'database-not-empty',
      `Database ${this.db.databaseName} is not empty (${filled.join(', ')}): restore to an empty one, or drop it if nothing in it counts.`,
    );
  }

  /**
   * Lists the services that are connected to this MongoDB, by name; they may use another database.
   * @returns `undefined` if the user may not know that
   */
  async connectedServices(): Promise<readonly string[] | undefined> {
    const stages = [
      { $currentOp: { allUsers: true, idleConnections: true } },
      { $match: { appName: SERVICE } },
      { $group: { _id: '$appName' } },
      { $sort: { _id: 1 } },
    ];
    try {
      // The stage accepts no other read concern.
      const options = { readConcern: { level: 'local' } } as const;
      const found = await this.db.client.db('admin').aggregate<{ _id: string }>(stages, options).toArray();
      return found.map(({ _id }) => _id);
    } catch (error) {
      if (error instanceof MongoServerError && error.code === UNAUTHORIZED) return undefined;
      throw error;
    }
  }

  /** Marks the database as incomplete, so that no service starts on it. */
  async begin(): Promise<RestoreMarker> {
    const marker = { _id: this.backupId, startedAt: new Date(), loaded: [], paused: null };
    try {
      await this.markers.insertOne(marker);
    } catch (error) {
      if (error instanceof MongoServerError && error.code === DUPLICATE_KEY)
        throw new RestoreError('other-restore', 'Another restore of this backup has begun just now: let it end.', {
          cause: error,
        });
      throw error;
    }
    return marker;
  }

  /** Takes note that a collection is complete. Acknowledged by a majority, and with it all that was inserted before. */
  async noteLoaded(collection: string): Promise<void> {
    await this.markers.updateOne({ _id: this.backupId }, { $addToSet: { loaded: collection } });
  }

  /** Takes note of the operations that will be paused; an interrupted restore has paused them already. */
  async notePaused(operations: readonly string[]): Promise<readonly string[]> {
    await this.markers.updateOne({ _id: this.backupId, paused: null }, { $set: { paused: operations } });
    return (await this.markers.findOne({ _id: this.backupId }))?.paused ?? operations;
  }

  /** Lets the services start. */
  async end(): Promise<void> {
    await this.markers.deleteOne({ _id: this.backupId });
  }

  private async filledCollections(): Promise<string[]> {
    const listed = await this.db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray();
    const names = listed
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('system.') && !OPERATIONAL_COLLECTIONS.has(name))
      .toSorted();
    const found = await Promise.all(
      names.map(async (name) =>
        (await this.db.collection(name).findOne({}, { projection: { _id: 1 } })) === null ? [] : [name],
      ),
    );
    return found.flat();
  }

  private get markers() {
    return restoresCollection(this.db);
  }
}
