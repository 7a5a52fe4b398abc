import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AdminError } from '../environment.js';

/** The format of the folders that this program writes. It reads this one and all lower ones. */
export const FORMAT = 1;
export const MANIFEST_FILE = 'manifest.json';

const whole = z.int().min(0);
/** Names of files and folders in a backup, never a path to another place. */
const name = z.string().regex(/^[^/\\]*[^/\\.][^/\\]*$/);
const FileSchema = z.object({ file: name, bytes: whole, sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const CollectionSchema = z.object({
  name: z.string(),
  documents: whole,
  data: FileSchema,
  metadata: FileSchema,
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

const ManifestSchema = z.object({
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
export type FileFacts = z.infer<typeof FileSchema>;
export type KafkaState = Manifest['kafka'];

/** Renders the file of a manifest, with the hash of everything else in it. */
export function renderManifest(manifest: Manifest): string {
  return `${JSON.stringify({ ...manifest, sha256: hashOf(manifest) }, null, 2)}\n`;
}

/** Returns the hash of a manifest, in hexadecimal digits: it must not depend on white space. */
function hashOf(manifest: object): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}

/**
 * Reads the manifest of a backup and verifies every file that it names.
 * @throws AdminError `no-manifest`, `bad-manifest`, `newer-format`, `missing-file`, `altered-file`
 */
export async function verifiedBackup(directory: string): Promise<Manifest> {
  const manifest = await readManifest(directory);
  for (const { data, metadata } of manifest.collections)
    for (const facts of [metadata, data]) await verifyFile(join(directory, manifest.database), facts);
  return manifest;
}

async function readManifest(directory: string): Promise<Manifest> {
  const path = join(directory, MANIFEST_FILE);
  const { sha256, ...content } = parse(path, await textOf(path, directory));
  if (typeof content['format'] === 'number' && content['format'] > FORMAT)
    throw new AdminError(
      'newer-format',
      `${path} has format ${content['format']}, and this program reads up to ${FORMAT}: restore with the program that wrote it (${String(content['program'])}).`,
    );
  const result = ManifestSchema.safeParse(content);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new AdminError('bad-manifest', `${path} is no manifest: ${issue?.path.join('.')}: ${issue?.message}.`);
  }
  if (hashOf(content) !== sha256)
    throw new AdminError(
      'altered-file',
      `${path} was altered: its content does not have its own hash. Use another copy.`,
    );
  return result.data;
}

async function textOf(path: string, directory: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AdminError(
      'no-manifest',
      `${directory} has no ${MANIFEST_FILE}: it is no backup, or one that was cut short. Use another one.`,
      { cause },
    );
  }
}

function parse(path: string, text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new AdminError('bad-manifest', `${path} is no JSON: ${String(cause)}. Use another copy.`, { cause });
  }
}

async function verifyFile(folder: string, { file, bytes, sha256 }: FileFacts): Promise<void> {
  const path = join(folder, file);
  const found = await stat(path).catch((cause: unknown) => {
    throw new AdminError('missing-file', `${path} is missing: copy the whole backup again.`, { cause });
  });
  if (found.size !== bytes)
    throw new AdminError('altered-file', `${path} has ${found.size} bytes, not ${bytes}: copy it again.`);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer);
  if (hash.digest('hex') !== sha256)
    throw new AdminError('altered-file', `${path} was altered: its content has another hash. Copy it again.`);
}
