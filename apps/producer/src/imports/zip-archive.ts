import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ByteBudget } from './import-limits.js';
import type { IncomingFile } from './incoming-file.js';
import { zipEntries } from './zip-entries.js';

/**
 * The files in a zip archive that comes in as a stream. What an archive holds stands at its end, so it goes to a temporary file
 * first (TMPDIR), which has no name any more when the first byte is written: not even a kill leaves it behind.
 * @param maxBytes of the archive itself
 * @throws Problem 413 or 422
 */
export async function* filesOfArchive(archive: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<IncomingFile> {
  const file = await namelessFile();
  try {
    await file.writeFile(within(new ByteBudget(maxBytes), archive));
    yield* zipEntries(file.fd, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

async function namelessFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `orders-import-${randomUUID()}.zip`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

async function* within(budget: ByteBudget, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    budget.spend(chunk.length);
    yield chunk;
  }
}
