import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FileFacts } from './manifest.js';

const compress = promisify(gzip);
/** The fastest level: the backup shares the machine with the services. */
const LEVEL = 1;

/** A file of a backup, which is written from its begin to its end. */
export class DumpFile {
  private readonly hash = createHash('sha256');
  private bytes = 0;

  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    private readonly isCompressed: boolean,
  ) {}

  /** Creates a file and writes it by `work`. @returns what the manifest says about it, once it is durable */
  static async write(path: string, isCompressed: boolean, work: (file: DumpFile) => Promise<void>): Promise<FileFacts> {
    const file = new DumpFile(path, await open(path, 'wx', 0o600), isCompressed);
    try {
      await work(file);
      return await file.finish();
    } finally {
      await file.handle.close();
    }
  }

  /** Appends bytes. Compressed, each call is a member of its own: gzip's format (RFC 1952) allows several. */
  async append(bytes: Buffer): Promise<void> {
    const stored = this.isCompressed ? await compress(bytes, { level: LEVEL }) : bytes;
    this.hash.update(stored);
    this.bytes += stored.length;
    for (let at = 0; at < stored.length;) at += (await this.handle.write(stored, at)).bytesWritten;
  }

  private async finish(): Promise<FileFacts> {
    // Of no documents: an empty file is no gzip.
    if (this.bytes === 0) await this.append(Buffer.alloc(0));
    await this.handle.sync();
    return { file: basename(this.path), bytes: this.bytes, sha256: this.hash.digest('hex') };
  }
}
