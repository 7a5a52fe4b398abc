import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { UUID } from 'mongodb';
import { ZipFile } from 'yazl';
import type { ImportFiles, ImportRejectsPage, ImportResponse } from '../../apps/producer/src/imports/import-api.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { eventually } from './eventually.js';
import type { TestSystem } from './test-system.js';
import type { Answer } from './tested-stack.js';

/** A row in the format of the legacy system. */
export interface LegacyPair {
  readonly id: string;
  readonly number: number;
}

export type ImportAnswer = OperationResponse & { readonly code: string; readonly detail: string };

/** Returns rows with new ids. */
export function legacyPairs(count: number, firstNumber = 1): LegacyPair[] {
  return Array.from({ length: count }, (_, at) => ({ id: randomUUID(), number: firstNumber + at }));
}

export async function zipOf(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name);
  zip.end();
  return buffer(zip.outputStream);
}

/** The imports of a pipeline, through its public API. */
export class Imports {
  constructor(private readonly pipeline: TestSystem) {}

  /** Uploads files as a form. @param files by name; a value that is neither text nor bytes is sent as JSON */
  async upload(
    files: Readonly<Record<string, unknown>>,
    { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer<ImportAnswer>> {
    const form = new FormData();
    for (const [name, content] of Object.entries(files)) {
      const isRaw = typeof content === 'string' || Buffer.isBuffer(content);
      form.append('files', new Blob([isRaw ? new Uint8Array(Buffer.from(content)) : JSON.stringify(content)]), name);
    }
    return this.post(form, { query, headers });
  }

  async post(
    body: NonNullable<RequestInit['body']>,
    { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer<ImportAnswer>> {
    const init = { method: 'POST', body, headers, duplex: 'half' };
    const response = await fetch(`${this.pipeline.producerUrl}/v1/imports${query}`, init as RequestInit);
    return { status: response.status, headers: response.headers, body: (await response.json()) as ImportAnswer };
  }

  /** Uploads one file as a form, no faster than the producer reads it. */
  async uploadStream(name: string, content: AsyncIterable<Buffer>): Promise<Answer<ImportAnswer>> {
    const boundary = `b${randomUUID()}`;
    const parts = async function* (): AsyncGenerator<Buffer> {
      const disposition = `form-data; name="files"; filename="${name}"`;
      yield Buffer.from(`--${boundary}\r\nContent-Disposition: ${disposition}\r\n\r\n`);
      yield* content;
      yield Buffer.from(`\r\n--${boundary}--\r\n`);
    };
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    return this.post(Readable.toWeb(Readable.from(parts())) as NonNullable<RequestInit['body']>, { headers });
  }

  /** Uploads files, and waits until all resulting orders are saved. */
  async imported(files: Readonly<Record<string, unknown>>): Promise<OperationResponse> {
    const { status, body } = await this.upload(files);
    if (status !== 202) throw new Error(`the import responded with status ${status}: ${JSON.stringify(body)}`);
    return this.ended(body.id);
  }

  /** Waits until an import has succeeded and all of its orders are saved. */
  async ended(id: string): Promise<OperationResponse> {
    await eventually(`import ${id} is saved`, async () => {
      const { status, count, saved } = await this.pipeline.operation(id);
      return status === 'succeeded' && saved === count;
    });
    return this.pipeline.operation(id);
  }

  async summary(id: string): Promise<ImportResponse> {
    return this.get<ImportResponse>(`/v1/imports/${id}`);
  }

  async files(id: string): Promise<ImportFiles['items']> {
    return this.all<ImportFiles>(`/v1/imports/${id}/files?pageSize=3`);
  }

  async rejects(id: string): Promise<ImportRejectsPage['items']> {
    return this.all<ImportRejectsPage>(`/v1/imports/${id}/rejects?pageSize=3`);
  }

  /** Returns the orders saved under an import's numbers, as rows of the legacy system, in ascending order. */
  async brought({ count, firstNumber }: Pick<OperationResponse, 'count' | 'firstNumber'>): Promise<LegacyPair[]> {
    const first = Number(firstNumber);
    const orders = await this.pipeline.db
      .collection('orders')
      .find({ number: { $gte: first, $lt: first + Number(count) } })
      .sort({ number: 1 })
      .project<{ _id: UUID; legacy: { number: number } }>({ legacy: 1 })
      .toArray();
    return orders.map(({ _id, legacy }) => ({ id: _id.toHexString(), number: legacy.number }));
  }

  /** Counts the stored chunks of files that wait to be read or were left behind. */
  async bytesKept(): Promise<number> {
    return this.pipeline.db.collection('importFiles.chunks').countDocuments();
  }

  private async all<T extends { items: unknown[]; page: { next?: string | undefined } }>(
    first: string,
  ): Promise<T['items']> {
    const items: unknown[] = [];
    for (let path: string | undefined = first; path !== undefined;) {
      const page: T = await this.get<T>(path);
      items.push(...page.items);
      path = page.page.next;
    }
    return items;
  }

  private async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.pipeline.producerUrl}${path}`);
    if (response.status !== 200) throw new Error(`${path} responded with status ${response.status}`);
    return (await response.json()) as T;
  }
}
