import { openAsBlob } from 'node:fs';
import { Readable } from 'node:stream';
import { FormDataEncoder } from 'form-data-encoder';
import { CliError } from '../cli-error.js';
import type { OrderFile } from './order-files.js';

/** A multipart/form-data body that is read from disk while it is sent. */
export interface Upload {
  /** Content-Type with the boundary, and Content-Length. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
  /** Returns the body from its beginning, at each call. */
  readonly body: () => Readable;
}

/**
 * Creates one body with a part named `file` per file. It needs constant memory: the blob of a file is only a reference until it is read.
 *
 * It uses form-data-encoder, because `fetch` with a FormData keeps all sent data until the end (1.1 GiB for a file of 1 GiB). If a file
 * changes before it is sent, the body fails with a CliError `file-changed`, instead of sending mixed contents.
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
      'A file was changed or deleted during the upload.',
      'Import again when no program writes to the file.',
      { cause: error },
    );
  }
}
