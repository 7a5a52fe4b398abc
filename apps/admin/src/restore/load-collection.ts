import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { BSON, MongoServerError, type Db, type Document } from 'mongodb';
import { INDEXES, RETIRED } from '#orders/database/indexes.js';
import { parseMetadata, type CollectionMetadata } from '../backup/collection-metadata.js';
import type { CollectionDump } from '../backup/manifest.js';
import { readDump } from './dump-reader.js';
import { RestoreError } from './restore-error.js';

/** Inserts that run at once: while MongoDB carries out one, this process prepares the next. */
const CONCURRENT_INSERTS = 3;
const NAMESPACE_NOT_FOUND = 26;
/** Keeps each value as it is stored: without it, a double with an integer value would come back as an integer. */
const EXACT = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true } as const;

/**
 * Loads one collection, without indexes. What an interrupted restore has loaded of it is dropped first.
 * @throws RestoreError `incomplete-load`, or the driver's error
 */
export async function loadCollection(db: Db, folder: string, dump: CollectionDump): Promise<void> {
  const { name, documents, data, metadata } = dump;
  const { options } = await readMetadataFile(join(folder, metadata.file));
  await dropIfExists(db, name);
  await db.createCollection(name, options);
  // The end of the restore is written with a majority, and all inserts are before it.
  const collection = db.collection(name, { writeConcern: { w: 1, journal: false } });
  const running = new Set<Promise<void>>();
  const insert = async (group: readonly Buffer[]): Promise<void> => {
    const decoded = group.map((bytes) => BSON.deserialize(bytes, EXACT));
    await collection.insertMany(decoded, { ordered: false });
  };
  for await (const group of readDump(join(folder, data.file))) {
    const inserting: Promise<void> = insert(group).finally(() => running.delete(inserting));
    running.add(inserting);
    if (running.size >= CONCURRENT_INSERTS) await Promise.race(running);
  }
  await Promise.all(running);
  const found = await collection.estimatedDocumentCount();
  if (found !== documents)
    throw new RestoreError(
      'incomplete-load',
      `Collection ${name} has ${found} documents after its load, not ${documents}. Run the restore again.`,
    );
}

/** Returns the indexes of a collection that its operator made: not those of this program, which the migration creates. */
export async function ownIndexes(folder: string, { name, metadata }: CollectionDump): Promise<Document[]> {
  const { indexes } = await readMetadataFile(join(folder, metadata.file));
  const known = (INDEXES as Readonly<Record<string, readonly { name: string }[]>>)[name] ?? [];
  const retired = (RETIRED.indexes as Readonly<Record<string, readonly string[]>>)[name] ?? [];
  const notOwn = new Set(['_id_', ...known.map((index) => index.name), ...retired]);
  return indexes.filter((index) => !notOwn.has(String(index['name'])));
}

async function dropIfExists(db: Db, name: string): Promise<void> {
  try {
    await db.dropCollection(name);
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND)) throw error;
  }
}

async function readMetadataFile(path: string): Promise<CollectionMetadata> {
  const bytes = await readFile(path);
  const text = path.endsWith('.gz') ? await promisify(gunzip)(bytes) : bytes;
  return parseMetadata(text.toString());
}
