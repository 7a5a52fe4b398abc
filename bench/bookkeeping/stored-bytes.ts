import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db } from 'mongodb';

/** Bytes by collection or topic. */
export type StoredBytes = ReadonlyMap<string, number>;

interface IndexDetails {
  readonly 'block-manager'?: {
    readonly 'file size in bytes'?: number;
    readonly 'file bytes available for reuse'?: number;
  };
}

interface CollectionStats {
  readonly storageSize: number;
  readonly freeStorageSize?: number;
  readonly indexDetails: Readonly<Record<string, IndexDetails>>;
}

/** What a file of MongoDB with a few documents has after some checkpoints. It is subtracted: it does not grow with the number of orders. */
const SMALL_FILE = 36_864;

/**
 * Returns the bytes on disk of each collection with its indexes. Space that MongoDB reuses after a removal does not count. It makes a
 * checkpoint first: before one, the files don't have the last writes, and removed documents still use their space.
 */
export async function collectionBytes(db: Db): Promise<StoredBytes> {
  // The space of a removal is free after the checkpoint that follows the one without the documents.
  for (let time = 0; time < 3; time += 1) await db.admin().command({ fsync: 1 });
  const bytes = new Map<string, number>();
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    const stats = (await db.command({ collStats: name, indexDetails: true })) as CollectionStats;
    const indexes = Object.values(stats.indexDetails).map((details) => {
      const { 'file size in bytes': size = 0, 'file bytes available for reuse': free = 0 } =
        details['block-manager'] ?? {};
      return used(size, free);
    });
    bytes.set(name, used(stats.storageSize, stats.freeStorageSize ?? 0) + indexes.reduce((sum, each) => sum + each, 0));
  }
  return bytes;
}

/**
 * Returns the bytes of each topic's records, from the broker's folder. Removed records don't count: Kafka frees their space with their
 * segment.
 * @param keptShare returns the share of a topic's records that are not removed
 */
export async function topicBytes(
  recordsDirectory: string,
  keptShare: (topic: string) => Promise<number>,
): Promise<StoredBytes> {
  const bytes = new Map<string, number>();
  for (const folder of await readdir(recordsDirectory)) {
    const [, topic] = /^(.+)-\d+$/.exec(folder) ?? [];
    if (topic === undefined || topic.startsWith('__cluster')) continue;
    const files = await readdir(join(recordsDirectory, folder));
    // The index files are preallocated while they are written.
    const logs = files.filter((file) => file.endsWith('.log'));
    const sizes = await Promise.all(logs.map(async (file) => (await stat(join(recordsDirectory, folder, file))).size));
    bytes.set(topic, (bytes.get(topic) ?? 0) + sizes.reduce((sum, size) => sum + size, 0));
  }
  for (const [topic, size] of bytes) bytes.set(topic, size * (await keptShare(topic)));
  return bytes;
}

function used(size: number, free: number): number {
  return Math.max(0, size - free - SMALL_FILE);
}
