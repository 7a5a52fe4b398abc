import { createHash } from 'node:crypto';
import { z } from 'zod';

/** The format of the folders that this program writes. It reads this one and all lower ones. */
export const FORMAT = 1;
export const MANIFEST_FILE = 'manifest.json';

const whole = z.int().min(0);
/** Names of files and folders in a backup, never a path to another place. */
const name = z.string().regex(/^[^/\\]*[^/\\.][^/\\]*$/);
const file = z.object({ file: name, bytes: whole, sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const CollectionSchema = z.object({
  name: z.string(),
  documents: whole,
  data: file,
  metadata: file,
});

const TopicSchema = z.object({
  name: z.string(),
  /** Kafka's id of the topic. */
  id: z.string(),
  /** `null`: the user may not read it. -1: for ever. */
  retentionMs: z.int().nullable(),
  /** The first offset and the one behind the last record, when the backup began. */
  partitions: z.array(z.object({ partition: whole, begin: whole, end: whole })),
});

const GroupSchema = z.object({
  id: z.string(),
  topic: z.string(),
  /** `null`: the group has committed nothing, and begins at the first record. */
  offsets: z.array(z.object({ partition: whole, offset: whole.nullable() })),
});

export const ManifestSchema = z.object({
  format: z.int().min(1),
  /** The version of the program that wrote it. */
  program: z.string(),
  /** A UUID. */
  id: z.uuid(),
  /** When Kafka's positions were read. All that is in the log and not in the backup came later. */
  createdAt: z.iso.datetime(),
  seconds: z.number().min(0),
  /** The database, and the name of the folder with its files. */
  database: name,
  mongodb: z.string(),
  /** The point in time of all collections, as seconds since 1970 and a counter within the second. */
  clusterTime: z.string().regex(/^\d+\.\d+$/),
  gzip: z.boolean(),
  /** The highest order number that was reserved. */
  highestNumber: whole,
  kafka: z.object({
    clusterId: z.string(),
    topics: z.array(TopicSchema),
    groups: z.array(GroupSchema),
  }),
  collections: z.array(CollectionSchema),
  /** Collections that are left out on purpose. */
  leftOut: z.array(z.string()),
});

/** What a backup consists of. Written last: a folder without it has no backup. */
export type Manifest = z.infer<typeof ManifestSchema>;
export type CollectionDump = z.infer<typeof CollectionSchema>;
export type FileFacts = z.infer<typeof file>;
export type KafkaState = Manifest['kafka'];

/** Renders the file of a manifest, with the hash of everything else in it. */
export function renderManifest(manifest: Manifest): string {
  return `${JSON.stringify({ ...manifest, sha256: hashOf(manifest) }, null, 2)}\n`;
}

/** Returns the hash of a manifest, in hexadecimal digits: it must not depend on white space. */
export function hashOf(manifest: object): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}
