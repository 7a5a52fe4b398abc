import { createHash } from 'node:crypto';
import { type BeforeApplicationShutdown, HttpStatus, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import type { OperationDocument } from '#orders/operation/operation.js';
import { callerKey } from '#service/http/concurrency-limit.js';
import { Problem } from '#service/http/problem.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { Operations } from '../operations/operations.js';
import { settings } from '../settings.js';
import type { ImportQuery } from './import-api.js';
import { ImportManifest, type ReceivedFile } from './import-manifest.js';
import { ByteBudget, filesIn, type IncomingFile, isRefused, MAX_FILES, tooManyFiles } from './incoming-files.js';
import { requireStagingRoom, StagedFiles } from './staged-files.js';

/** Receives the files of an import, all or none. All bytes are durable before the operation is created. */
@Injectable()
export class ImportReceiver implements BeforeApplicationShutdown {
  private readonly uploads = new Set<FastifyRequest>();

  constructor(
    private readonly staged: StagedFiles,
    private readonly manifest: ImportManifest,
    private readonly operations: Operations,
    private readonly mongo: Mongo,
  ) {}

  /**
   * @param key as in `Operations.createImport`; the request digest covers the files' names and contents, and the options
   * @throws Problem 4xx when a file causes the whole import to be rejected, or 503 when too much is staged; then nothing is stored
   */
  async receive(
    request: FastifyRequest,
    { query, key }: { query: ImportQuery; key: string | undefined },
  ): Promise<OperationDocument> {
    const _id = uuidv7();
    const caller = callerKey(request);
    await requireStagingRoom(this.mongo.db, caller, settings);
    this.uploads.add(request);
    try {
      const received = await this.stage({ operationId: _id, caller }, filesIn(request, settings));
      if (received.length === 0) throw noFiles();
      await this.manifest.add(_id, received);
      const options = { chunkSize: query.chunkSize, ratePerSecond: query.ratePerSecond ?? null };
      const importRequest = { kind: 'import', files: toDigest(received), ...options };
      const operation = await this.operations.createImport({ _id, ...options }, { key, request: importRequest });
      // The idempotency key already has an operation with the same files.
      if (operation._id !== _id) await this.discard(_id);
      return operation;
    } catch (error) {
      // `StagedFiles.tidy` removes the files if this fails.
      await this.discard(_id).catch(() => undefined);
      throw error;
    } finally {
      this.uploads.delete(request);
    }
  }

  /** Closes running uploads: a shutdown does not wait for a slow or silent client. */
  beforeApplicationShutdown(): void {
    for (const request of this.uploads) request.raw.destroy();
  }

  private async stage(
    sender: { readonly operationId: string; readonly caller: string },
    files: AsyncIterable<IncomingFile>,
  ): Promise<ReceivedFile[]> {
    const budget = new ByteBudget(settings.IMPORT_MAX_BYTES);
    const received: ReceivedFile[] = [];
    for await (const { name, content } of files) {
      if (received.length === MAX_FILES) throw tooManyFiles();
      if (isRefused(content)) received.push({ name, bytes: null, sha256: null, content: null, reason: content });
      else {
        const file = await this.staged.stage(content, { ...sender, name, budget });
        received.push({ name, ...file, reason: null });
      }
    }
    return received;
  }

  /** Removes the files unless the operation exists: it may have been created although the response from MongoDB was lost. */
  private async discard(id: string): Promise<void> {
    if ((await this.operations.find(id)) !== null) return;
    await this.manifest.remove(id);
    await this.staged.remove(id);
  }
}

function noFiles(): Problem {
  return new Problem(
    HttpStatus.BAD_REQUEST,
    'no-files',
    'The request contains no file. Send JSON files as multipart/form-data, a zip archive as application/zip, or {"folder": "…"} as JSON.',
  );
}

function toDigest(files: readonly ReceivedFile[]): string {
  const hash = createHash('sha256');
  for (const { name, sha256, reason } of files) hash.update(`${JSON.stringify([name, sha256, reason?.code])}\n`);
  return hash.digest('hex');
}
