import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DiskFolder } from './archive-folder.js';
import type { ArchiveManifest } from './archive-manifest.js';

const MANIFEST: ArchiveManifest = {
  format: 1,
  name: 'second',
  operation: { id: '01935c9e-8a00-7000-8000-000000000001', kind: 'populate' },
  first: 1,
  last: 1,
  from: 0,
  count: 1,
  discarded: 0,
  elsewhere: 0,
  documents: { bytes: 8, sha256: '0'.repeat(64) },
  file: { bytes: 8, sha256: '0'.repeat(64) },
  savedAt: { from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T00:00:00.000Z' },
  writtenAt: '2026-01-02T00:00:00.000Z',
};

describe('the folder of archives', () => {
  let parent: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'orders-archives-'));
  });

  afterEach(async () => rm(parent, { recursive: true }));

  it('is readable for its owner only, also where a crash has left a file', async () => {
    const path = join(parent, 'new', 'archives');
    await new DiskFolder(path).write('first', batches());
    await writeFile(join(path, 'second.bson.gz.part'), 'left', { mode: 0o644 });
    await new DiskFolder(path).write('second', batches());
    await writeFile(join(path, 'second.manifest.json.part'), 'left', { mode: 0o644 });
    await new DiskFolder(path).complete(MANIFEST);
    expect(await readdir(path)).toEqual(['first.bson.gz', 'second.bson.gz', 'second.manifest.json']);
    for (const file of await readdir(path))
      expect([file, (await stat(join(path, file))).mode & 0o777]).toEqual([file, 0o600]);
    for (const folder of [path, join(parent, 'new')]) expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });
});

async function* batches(): AsyncGenerator<readonly Buffer[]> {
  yield Promise.resolve([Buffer.from('document')]);
}
