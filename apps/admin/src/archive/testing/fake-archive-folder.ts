import { Readable, Writable } from 'node:stream';
import { ArchiveError } from '#orders/archive/archive-error.js';
import { readDocuments, writeDocuments, type FileDigest } from '#orders/archive/archive-file.js';
import type { ArchiveFolder } from '#orders/archive/archive-folder.js';
import { parseManifest, type ArchiveManifest } from '#orders/archive/archive-manifest.js';

/** A folder in memory. Its files have the real format. */
export class FakeArchiveFolder implements ArchiveFolder {
  readonly path = '/archives';
  readonly files = new Map<string, Buffer>();
  readonly manifests = new Map<string, string>();

  /** @param step called before each write, and may throw */
  constructor(private readonly step: (name: string) => void = () => undefined) {}

  async names(): Promise<string[]> {
    return [...this.manifests.keys()].toSorted();
  }

  async manifest(name: string): Promise<ArchiveManifest | undefined> {
    const text = this.manifests.get(name);
    return text === undefined ? undefined : parseManifest(name, text);
  }

  async write(name: string, batches: AsyncIterable<readonly Buffer[]>): Promise<FileDigest> {
    this.step('write');
    const chunks: Buffer[] = [];
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk);
        done();
      },
    });
    const digest = await writeDocuments(batches, sink);
    this.files.set(name, Buffer.concat(chunks));
    return digest;
  }

  async complete(manifest: ArchiveManifest): Promise<void> {
    this.step('complete');
    this.manifests.set(manifest.name, JSON.stringify(manifest));
  }

  async *read(
    name: string,
    onEnd: (digest: FileDigest) => void = () => undefined,
  ): AsyncGenerator<readonly Buffer[], void, undefined> {
    const file = this.files.get(name);
    if (file === undefined) throw new ArchiveError('archive-missing', `there is no ${name}`);
    yield* readDocuments(name, Readable.from([file]), onEnd);
  }

  /** Changes one byte of a file, like a bad disk. */
  damage(name: string): void {
    const file = Buffer.from(this.files.get(name) ?? '');
    const middle = file.length >> 1;
    file[middle] = (file[middle] ?? 0) ^ 1;
    this.files.set(name, file);
  }

  /** Returns all orders that are in complete archives. */
  async orders(): Promise<Buffer[]> {
    const orders: Buffer[] = [];
    for (const name of this.manifests.keys()) for await (const some of this.read(name)) orders.push(...some);
    return orders;
  }
}
