import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FORMAT, hashOf, MANIFEST_FILE, ManifestSchema, type FileFacts, type Manifest } from '../backup/manifest.js';
import { RestoreError } from './restore-error.js';

/**
 * Reads the manifest of a backup and verifies every file that it names.
 * @throws RestoreError `no-manifest`, `bad-manifest`, `newer-format`, `missing-file`, `altered-file`
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
    throw new RestoreError(
      'newer-format',
      `${path} has format ${content['format']}, and this program reads up to ${FORMAT}: restore with the program that wrote it (${String(content['program'])}).`,
    );
  const result = ManifestSchema.safeParse(content);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new RestoreError('bad-manifest', `${path} is no manifest: ${issue?.path.join('.')}: ${issue?.message}.`);
  }
  if (hashOf(content) !== sha256)
    throw new RestoreError(
      'altered-file',
      `${path} was altered: its content does not have its own hash. Use another copy.`,
    );
  return result.data;
}

async function textOf(path: string, directory: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new RestoreError(
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
    throw new RestoreError('bad-manifest', `${path} is no JSON: ${String(cause)}. Use another copy.`, { cause });
  }
}

async function verifyFile(folder: string, { file, bytes, sha256 }: FileFacts): Promise<void> {
  const path = join(folder, file);
  const found = await stat(path).catch((cause: unknown) => {
    throw new RestoreError('missing-file', `${path} is missing: copy the whole backup again.`, { cause });
  });
  if (found.size !== bytes)
    throw new RestoreError('altered-file', `${path} has ${found.size} bytes, not ${bytes}: copy it again.`);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer);
  if (hash.digest('hex') !== sha256)
    throw new RestoreError('altered-file', `${path} was altered: its content has another hash. Copy it again.`);
}
