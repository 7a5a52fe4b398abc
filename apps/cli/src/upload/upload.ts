import { openAsBlob } from 'node:fs';
import { Readable } from 'node:stream';
import { FormDataEncoder } from 'form-data-encoder';
import { CliError } from '../cli-error.js';
import type { OrderFile } from './order-files.js';

/** A multipart/form-data body, read from disk as it is sent. */
export interface Upload {
  /** Content-Type with the boundary, and Content-Length. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
  /** The body, from its beginning at each call. */
  readonly body: () => Readable;
}

/**
 * The files as one body, a part named `file` for each, in flat memory: a blob of a file is a reference until it is read.
 *
 * By form-data-encoder, since `fetch` with a FormData keeps all that it has sent until the end (1.1 GiB for a file of 1 GiB).
 * A file that changes between here and the sending fails the body, with a CliError `file-changed`, rather than sending a mixture.
 */
export async function uploadOf(files: readonly OrderFile[]): Promise<Upload> {
  const form = new FormData();
  for (const { path, name, mediaType } of files) form.append('file', await openAsBlob(path, { type: mediaType }), name);
  const encoder = new FormDataEncoder(form);
  return {
    headers: { ...encoder.headers },
    bytes: Number(encoder.contentLength),
    body: () => Readable.from(partsOf(encoder)),
  };
}

async function* partsOf(encoder: FormDataEncoder): AsyncGenerator<Uint8Array> {
  try {
    yield* encoder;
  } catch (error) {
    throw new CliError(
      'file-changed',
      'A file changed or vanished while it was uploaded.',
      'Import it again when nothing writes to it any more.',
      { cause: error },
    );
  }
}
