import { BSON, type CollectionInfo, type Db, type Document } from 'mongodb';

/** What MongoDB's tools keep of a collection besides its documents. */
export interface CollectionMetadata {
  readonly options: Document;
  readonly indexes: readonly Document[];
  readonly uuid?: string;
  readonly collectionName: string;
  readonly type: string;
}

/** Reads the options and indexes of a collection. */
export async function readMetadata(db: Db, { name, options = {}, info }: CollectionInfo): Promise<CollectionMetadata> {
  const indexes = await db.collection(name).listIndexes().toArray();
  const uuid = info?.uuid?.toString('hex');
  return { options, indexes, ...(uuid !== undefined && { uuid }), collectionName: name, type: 'collection' };
}

/** Renders the metadata as `mongodump` does: canonical Extended JSON. */
export function renderMetadata(metadata: CollectionMetadata): string {
  return BSON.EJSON.stringify(metadata, { relaxed: false });
}

/** Parses the metadata of a collection that this program or `mongodump` has written. */
export function parseMetadata(text: string): CollectionMetadata {
  return BSON.EJSON.parse(text, { relaxed: true }) as CollectionMetadata;
}
