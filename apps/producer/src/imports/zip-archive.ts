import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ByteBudget } from './import-limits.js';
import type { IncomingFile } from './incoming-file.js';
import { zipEntries } from './zip-entries.js';

/**
 * Yields the files of a streamed zip archive. The archive's directory is at its end, so the archive is first written to a temporary
 * file (TMPDIR). That file is unlinked before the first byte is written, so that not even a kill leaves it behind.
 * @param maxBytes maximum size of the archive itself
 * @throws Problem 413 or 422
 */
export async function* filesOfArchive(archive: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<IncomingFile> {
  const file = await openUnlinkedFile();
  try {
    await file.writeFile(limit(new ByteBudget(maxBytes), archive));
    yield* zipEntries(file.fd, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

async function openUnlinkedFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `orders-import-${randomUUID()}.zip`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

async function* limit(budget: ByteBudget, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    budget.spend(chunk.length);
    yield chunk;
  }
}
