import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import multipart from '@fastify/multipart';
import { invalidRequest, Problem } from '#service/problem.js';
import { checkedName, type IncomingFile } from './incoming-file.js';
import { MAX_FILES } from './import-limits.js';
import { filesOfArchive } from './zip-archive.js';

/** Makes the service read multipart bodies, as streams, for handlers that ask for their parts; and leave zip bodies to theirs. */
export async function acceptUploads(fastify: FastifyInstance): Promise<void> {
  await fastify.register(multipart, {
    preservePath: true,
    throwFileSizeLimit: false,
    // One more than is taken, so that it is the import that says so.
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
 * The files of a multipart request, one after another; of a part whose name ends in .zip those in it.
 * @throws Problem 400 for a part that is no file, or a body that breaks off
 */
export async function* multipartFiles(request: FastifyRequest, maxBytes: number): AsyncGenerator<IncomingFile> {
  for await (const part of intact(request.parts())) {
    // The library keeps every part, with its stream, until the request ends: ten thousand would be some 50 MiB.
    for (const name of Object.keys(part.fields)) delete part.fields[name];
    if (part.type !== 'file')
      throw invalidRequest([
        { field: part.fieldname, in: 'body', detail: 'must be a file; options go into the query' },
      ]);
    const name = checkedName(part.filename);
    const content = intact<Buffer>(part.file);
    // A browser sends a nameless one where nobody has chosen a file.
    if (name === '') part.file.resume();
    else if (/\.zip$/i.test(name)) yield* filesOfArchive(content, maxBytes);
    else yield { name, content };
  }
}

/** What fails here is the sender's fault: a body without its boundary or its end. */
async function* intact<T>(parts: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* parts;
  } catch (error) {
    // Limits tell of themselves.
    if (error instanceof Error && 'statusCode' in error) throw error;
    const detail = `The multipart body can not be read (${String(error)}). Nothing was imported.`;
    throw new Problem(HttpStatus.BAD_REQUEST, 'broken-upload', detail);
  }
}
