import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import multipart from '@fastify/multipart';
import { invalidRequest, Problem } from '#service/http/problem.js';
import { checkedName, type IncomingFile } from './incoming-file.js';
import { MAX_FILES } from './import-limits.js';
import { filesOfArchive } from './zip-archive.js';

/** Registers body parsers: handlers read multipart bodies as streams, and read zip bodies from the raw request. */
export async function acceptUploads(fastify: FastifyInstance): Promise<void> {
  await fastify.register(multipart, {
    preservePath: true,
    throwFileSizeLimit: false,
    // One more than allowed, so that the import reports the limit instead of the parser.
    limits: {
      files: MAX_FILES + 1,
      parts: MAX_FILES + 2,
      fields: 1,
      fieldSize: 1_024,
      fileSize: Number.POSITIVE_INFINITY,
    },
  });
  fastify.addContentTypeParser(ZIP_TYPES, (_request, _payload, done) => done(null));
}

const ZIP_TYPES = ['application/zip', 'application/x-zip-compressed'];

export function isZip(request: FastifyRequest): boolean {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  return type !== undefined && ZIP_TYPES.includes(type);
}

/**
 * Yields the files of a multipart request, including the files in .zip parts.
 * @throws Problem 400 for a part that is not a file, or for a truncated body
 */
export async function* multipartFiles(request: FastifyRequest, maxBytes: number): AsyncGenerator<IncomingFile> {
  for await (const part of reportBrokenUpload(request.parts())) {
    // The library keeps every part and its stream until the request ends: 10,000 parts would need about 50 MiB.
    for (const name of Object.keys(part.fields)) delete part.fields[name];
    if (part.type !== 'file')
      throw invalidRequest([
        { field: part.fieldname, in: 'body', detail: 'must be a file: choose one; options go into the query' },
      ]);
    const name = checkedName(part.filename);
    const content = reportBrokenUpload<Buffer>(part.file);
    // A browser sends a part without a name when no file is selected.
    if (name === '') part.file.resume();
    else if (/\.zip$/i.test(name)) yield* filesOfArchive(content, maxBytes);
    else yield { name, content };
  }
}

/** Reports errors of the stream as client errors: the body has no boundary or is truncated. */
async function* reportBrokenUpload<T>(parts: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* parts;
  } catch (error) {
    // Errors of the parser's limits already have a status.
    if (error instanceof Error && 'statusCode' in error) throw error;
    const detail = `Cannot read the multipart body (${String(error)}). Nothing was imported.`;
    throw new Problem(HttpStatus.BAD_REQUEST, 'broken-upload', detail);
  }
}
