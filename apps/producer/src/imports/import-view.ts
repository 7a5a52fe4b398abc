import { Injectable } from '@nestjs/common';
import { manifestTotals } from '#orders/imports/import-manifest.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { pageOf } from '#service/http/request-input.js';
import { notFound } from '#service/http/problem.js';
import { Operations } from '../operations/operations.js';
import { ImportManifest } from './import-manifest.js';
import { ImportRejects } from './import-rejects.js';
import {
  fileResponse,
  importResponse,
  rejectResponse,
  type ImportFiles,
  type ImportRejectResponse,
  type ImportRejectsPage,
  type ImportResponse,
} from './import-response.js';
import { pageFigures, type FilesQuery, type RejectsQuery } from './manifest-query.js';

/** Builds the API responses for imports. Every method throws Problem 404 if the import does not exist. */
@Injectable()
export class ImportView {
  constructor(
    private readonly operations: Operations,
    private readonly mongo: Mongo,
    private readonly manifest: ImportManifest,
    private readonly rejected: ImportRejects,
  ) {}

  async byId(id: string): Promise<ImportResponse> {
    const operation = await this.find(id);
    return importResponse(operation, await manifestTotals(this.mongo.db, id));
  }

  async files(id: string, { after, pageSize: size }: FilesQuery): Promise<ImportFiles> {
    await this.find(id);
    const { items: files, hasMore } = pageOf(await this.manifest.page(id, after, size + 1), size);
    const items = files.map(fileResponse);
    const last = items.at(-1);
    return {
      items,
      page: pageFigures(`/v1/imports/${id}/files`, { size, hasMore, last: last && String(last.file) }),
    };
  }

  async rejects(id: string, { after, pageSize: size }: RejectsQuery): Promise<ImportRejectsPage> {
    await this.find(id);
    const { items: rejects, hasMore } = pageOf(await this.rejected.page(id, after, size + 1), size);
    const items = rejects.map(rejectResponse);
    const last = items.at(-1);
    return {
      items,
      page: pageFigures(`/v1/imports/${id}/rejects`, { size, hasMore, last: last && `${last.file}.${last.row}` }),
    };
  }

  /** Streams all rejected rows. */
  async allRejects(id: string): Promise<AsyncIterable<ImportRejectResponse>> {
    await this.find(id);
    const rejects = this.rejected.all(id);
    return (async function* () {
      for await (const reject of rejects) yield rejectResponse(reject);
    })();
  }

  private async find(id: string): Promise<OperationDocument> {
    const operation = await this.operations.find(id);
    if (operation?.kind !== 'import') throw notFound(`There is no import ${id}.`);
    return operation;
  }
}
