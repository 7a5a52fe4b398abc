import { MongoServerError, type Db, type Timestamp } from 'mongodb';
import { BackupError } from './backup-error.js';

/** Documents of one read. A read of orders is then about two megabytes. */
const READ_DOCUMENTS = 5_000;
/** The server no longer has the snapshot: SnapshotTooOld, SnapshotUnavailable. */
const LOST = new Set<unknown>([239, 246]);

/**
 * All collections of a database at one point in time (read concern `snapshot`, one `atClusterTime`), without a transaction, so that nothing
 * waits for the reader.
 *
 * The server chooses the point: all writes are in it that a majority had acknowledged before.
 */
export class Snapshot {
  private constructor(
    private readonly db: Db,
    readonly clusterTime: Timestamp,
  ) {}

  /** Takes a snapshot now. @param anyCollection one that exists */
  static async take(db: Db, anyCollection: string): Promise<Snapshot> {
    const { cursor } = (await db.command({
      find: anyCollection,
      limit: 1,
      singleBatch: true,
      readConcern: { level: 'snapshot' },
    })) as { cursor: { atClusterTime: Timestamp } };
    return new Snapshot(db, cursor.atClusterTime);
  }

  /**
   * Yields the raw documents of a collection, read by read, in the order in which they are stored.
   * @throws BackupError `snapshot-lost` when the server no longer has this point in time, or the driver's error
   */
  async *documents(collection: string): AsyncGenerator<readonly Buffer[]> {
    const cursor = this.db.runCursorCommand(this.command(collection, { batchSize: READ_DOCUMENTS }), { raw: true });
    cursor.setBatchSize(READ_DOCUMENTS);
    try {
      // With `raw` they are bytes.
      while (await cursor.hasNext()) yield cursor.readBufferedDocuments();
    } catch (error) {
      throw explained(error);
    } finally {
      await cursor.close();
    }
  }

  /** Reads one document, decoded. @throws as `documents` */
  async findOne(collection: string, filter: object): Promise<Record<string, unknown> | undefined> {
    try {
      const { cursor } = (await this.db.command(this.command(collection, { filter, limit: 1, singleBatch: true }))) as {
        cursor: { firstBatch: Record<string, unknown>[] };
      };
      return cursor.firstBatch[0];
    } catch (error) {
      throw explained(error);
    }
  }

  private command(collection: string, more: object): Record<string, unknown> {
    return { find: collection, ...more, readConcern: { level: 'snapshot', atClusterTime: this.clusterTime } };
  }
}

function explained(error: unknown): unknown {
  if (!(error instanceof MongoServerError) || !LOST.has(error.code)) return error;
  return new BackupError(
    'snapshot-lost',
    'MongoDB no longer has the point in time of the backup: a collection or an index was made or dropped meanwhile, or the history is ' +
      'too short (minSnapshotHistoryWindowInSeconds). Run the command again.',
    { cause: error },
  );
}
