import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ValidationPipe } from '#service/http/request-input.js';
import { folderFiles } from './folder-files.js';
import { FolderRequestSchema } from './import-request.js';
import type { IncomingFile } from './incoming-file.js';
import { isZip, multipartFiles } from './multipart-files.js';
import { filesOfArchive } from './zip-archive.js';

/** Reads the files of an import from an upload of several files, a zip archive, or an allowed folder. */
@Injectable()
export class ImportSources {
  private readonly validation = new ValidationPipe();

  /**
   * @param maxBytes maximum total uncompressed size of all files, and maximum size of an archive, in bytes
   * @param directory the folder that imports can read, including its subfolders; `undefined` rejects folders
   */
  constructor(
    readonly maxBytes: number,
    private readonly directory: string | undefined,
  ) {}

  /** Yields the files of a request; none if it has no body. @throws Problem 4xx for an invalid request */
  async *filesIn(request: FastifyRequest): AsyncGenerator<IncomingFile> {
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
