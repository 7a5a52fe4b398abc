import { FormDataEncoder } from 'form-data-encoder';
import { z } from 'zod';
import { problemIn } from './new-problem.js';
import type { NewSideToken } from './new-side-token.js';
import { SideAwayError } from './side-away-error.js';
import type { SideConnection } from './side-connection.js';

const MAX_ANSWER_BYTES = 64 * 1024;
const OperationSchema = z.looseObject({ id: z.uuid() });

/** A file of an import. */
export interface ImportFile {
  readonly name: string;
  /** A JSON array of rows. */
  readonly content: string;
}

/** Imports of the new side. */
export class NewImports {
  constructor(
    private readonly producer: SideConnection,
    private readonly token: NewSideToken,
  ) {}

  /**
   * Starts an import; with a key that was used for the same files, returns that import. The files are held in memory.
   * @returns the operation's id
   * @throws SideAwayError if there is no answer, or another one than 202
   */
  async start(files: readonly ImportFile[], key: string, signal: AbortSignal): Promise<string> {
    const form = new FormData();
    for (const { name, content } of files)
      form.append('files', new File([content], name, { type: 'application/json' }));
    const encoder = new FormDataEncoder(form);
    const answer = await this.producer.ask(
      {
        method: 'POST',
        path: '/v1/imports',
        headers: { 'content-type': encoder.contentType, 'idempotency-key': key, ...(await this.token.header()) },
        body: await bodyOf(encoder),
        signal,
      },
      MAX_ANSWER_BYTES,
    );
    if (answer.status === 202) return OperationSchema.parse(JSON.parse(new TextDecoder().decode(answer.bytes))).id;
    this.token.rejected(answer.status);
    throw new SideAwayError(
      'new',
      'bad-answer',
      `/v1/imports responded with ${answer.status}: ${problemIn(answer).detail}`,
    );
  }
}

async function bodyOf(encoder: FormDataEncoder): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of encoder) parts.push(part);
  return Buffer.concat(parts);
}
