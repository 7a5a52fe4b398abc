import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ValidationPipe } from '#service/validation-pipe.js';
import { folderFiles } from './folder-files.js';
import { FolderRequestSchema } from './import-request.js';
import type { IncomingFile } from './incoming-file.js';
import { isZip, multipartFiles } from './multipart-files.js';
import { filesOfArchive } from './zip-archive.js';

/** Where the files of an import come from: an upload of many, a zip archive, or a folder that the operator allowed. */
@Injectable()
export class ImportSources {
  private readonly validation = new ValidationPipe();

  /**
   * @param maxBytes of all files of an import together, as they are unpacked, and of an archive
   * @param directory that folders may be below; `undefined`: none are taken
   */
  constructor(
    readonly maxBytes: number,
    private readonly directory: string | undefined,
  ) {}

  /** No files for a request without a body. @throws Problem 4xx for one that can't be an import */
  async *of(request: FastifyRequest): AsyncGenerator<IncomingFile> {
    if (request.isMultipart()) yield* multipartFiles(request, this.maxBytes);
    else if (isZip(request)) yield* filesOfArchive(request.raw, this.maxBytes);
    else if (request.body !== undefined) yield* folderFiles(this.directory, await this.folderIn(request.body));
  }

  private async folderIn(body: unknown): Promise<string> {
    const { folder } = await this.validation.transform(body as { folder: string }, {
      type: 'body',
      schema: FolderRequestSchema,
    });
    return folder;
  }
}
