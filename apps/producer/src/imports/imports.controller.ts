import { Readable } from 'node:stream';
import { Controller, Get, Header, Headers, HttpCode, Injectable, Param, Post, Query, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiForbiddenResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiPayloadTooLargeResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';
import { manifestTotals } from '#orders/imports/import-manifest.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import { audited } from '#service/audit/audit-requests.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { type ConcurrencySettings, ConcurrencyLimit } from '#service/http/concurrency-limit.js';
import { notFound } from '#service/http/problem.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { parseIdempotencyKey } from '../operations/idempotency-keys.js';
import { OperationView } from '../operations/operation-progress.js';
import { OperationIdSchema } from '../operations/operation-requests.js';
import { type OperationResponse, OperationResponseSchema, toPage } from '../operations/operation-response.js';
import { Operations } from '../operations/operations.js';
import {
  fileResponse,
  type FilesQuery,
  FilesQuerySchema,
  type ImportFiles,
  ImportFilesSchema,
  type ImportQuery,
  ImportQuerySchema,
  type ImportRejectResponse,
  type ImportRejectsPage,
  ImportRejectsSchema,
  importResponse,
  type ImportResponse,
  ImportResponseSchema,
  rejectResponse,
  type RejectsQuery,
  RejectsQuerySchema,
} from './import-api.js';
import { ImportManifest, type ImportReject, ImportRejects } from './import-manifest.js';
import { ImportReceiver } from './import-receiver.js';
import { MAX_FILES } from './incoming-files.js';

/** The places of imports that are being received: each may have gigabytes. */
@Injectable()
export class ImportPlaces extends ConcurrencyLimit {
  constructor(limits: ConcurrencySettings<'IMPORTS'>) {
    super({ setting: 'IMPORTS', name: 'imports', code: 'too-many-imports' }, limits);
  }
}

/** The OpenAPI description of the bodies of `POST /v1/imports`. Swagger UI shows a form for each. */
const IMPORT_BODY = {
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object' as const,
        properties: {
          files: {
            type: 'array' as const,
            items: { type: 'string' as const, format: 'binary' },
            description: `Up to ${MAX_FILES} files: JSON arrays of orders, or .zip archives of them. Part names are ignored.`,
          },
        },
      },
    },
    'application/zip': {
      schema: {
        type: 'string' as const,
        format: 'binary',
        description: 'An archive of .json files; other files are not read.',
      },
    },
    'application/json': {
      schema: {
        type: 'object' as const,
        required: ['folder'],
        additionalProperties: false,
        properties: {
          folder: {
            type: 'string' as const,
            description: 'A folder relative to the allowed one (setting IMPORT_DIR); "." is the allowed folder itself.',
            examples: ['2026-01'],
          },
        },
      },
      examples: {
        folder: { summary: 'Only where the setting IMPORT_DIR allows it, else 403', value: { folder: '2026-01' } },
      },
    },
  },
};

@ApiTags('imports')
@RequiresScope('orders:read')
@Controller('v1/imports')
export class ImportsController {
  constructor(
    private readonly receiver: ImportReceiver,
    private readonly operations: OperationView,
    private readonly places: ImportPlaces,
  ) {}

  @Post()
  @RequiresScope('orders:write')
  @RouteConfig({ accepts: Object.keys(IMPORT_BODY.content), ...audited('import') } satisfies FastifyContextConfig)
  @HttpCode(202)
  @ApiOperation({
    summary: 'Import orders of the legacy system',
    description:
      'Stores legacy chunk files (JSON arrays of orders) and starts an operation that reads and publishes them. ' +
      'The Location header is the path of the operation. All files are durable before the response is sent. ' +
      'A row is `{id, number}` plus any other fields of an order. Missing fields are derived from the id and listed in `legacy.filled`. ' +
      'Rows that are not valid orders are rejected, with file, row and reason. ' +
      'A file with the same bytes as a file of an earlier import is not read again. An order that already exists is skipped. ' +
      "A folder of the producer's machine needs the setting IMPORT_DIR: without it, `application/json` is a 403.",
    requestBody: IMPORT_BODY,
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'A unique key for this request and caller, stored for two days. Repeating the request with the same key and files returns the same operation.',
  })
  @ApiAcceptedResponse({
    standardSchema: OperationResponseSchema,
    description: 'The new operation, or the existing one of this idempotency key',
    headers: { Location: { description: 'Path of the operation', schema: { type: 'string' } } },
  })
  @ApiBadRequestResponse({ description: 'Problem details: no files, an invalid parameter, or a truncated body' })
  @ApiForbiddenResponse({ description: 'Problem details: imports from folders are disabled (setting IMPORT_DIR)' })
  @ApiPayloadTooLargeResponse({ description: 'Problem details: too many bytes (setting IMPORT_MAX_BYTES) or files' })
  @ApiUnprocessableEntityResponse({
    description:
      'Problem details: a zip bomb, an unsafe path, a symbolic link, an encrypted or damaged entry; or the key was used for another request',
  })
  async importOrders(
    @Query({ schema: ImportQuerySchema }) query: ImportQuery,
    @Headers('idempotency-key') key: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationResponse> {
    this.places.hold(request, reply);
    const operation = await this.receiver.receive(request, { query, key: parseIdempotencyKey(key, request.caller) });
    return this.operations.begun(operation, reply);
  }
}

@ApiTags('imports')
@ApiNotFoundResponse({ description: 'Problem details: no such import' })
@ApiBadRequestResponse({ description: 'Problem details that list every invalid parameter' })
@RequiresScope('orders:read')
@Controller('v1/imports/:id')
export class ImportReadsController {
  constructor(
    private readonly operations: Operations,
    private readonly mongo: Mongo,
    private readonly manifest: ImportManifest,
    private readonly rejects: ImportRejects,
  ) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Get the reading progress of an import' })
  @ApiOkResponse({ standardSchema: ImportResponseSchema })
  @ApiBadRequestResponse({ description: 'Problem details: the id is not a UUID' })
  async getImport(@Param('id', { schema: OperationIdSchema }) id: string): Promise<ImportResponse> {
    const operation = await this.find(id);
    return importResponse(operation, await manifestTotals(this.mongo.db, id));
  }

  @Get('files')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'List the files of an import, in order' })
  @ApiOkResponse({ standardSchema: ImportFilesSchema })
  async listImportFiles(
    @Param('id', { schema: OperationIdSchema }) id: string,
    @Query({ schema: FilesQuerySchema }) query: FilesQuery,
  ): Promise<ImportFiles> {
    await this.find(id);
    const files = await this.manifest.page(id, query.after, query.pageSize + 1);
    const cursor = { name: 'after', placeOf: ({ file }: { readonly file: number }) => String(file) } as const;
    return toPage(files.map(fileResponse), `/v1/imports/${id}/files`, query, cursor);
  }

  @Get('rejects')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'List the rejected rows, ordered by file and row' })
  @ApiOkResponse({ standardSchema: ImportRejectsSchema })
  async listImportRejects(
    @Param('id', { schema: OperationIdSchema }) id: string,
    @Query({ schema: RejectsQuerySchema }) query: RejectsQuery,
  ): Promise<ImportRejectsPage> {
    await this.find(id);
    const rejects = await this.rejects.page(id, query.after, query.pageSize + 1);
    const cursor = { name: 'after', placeOf: ({ file, row }: ImportRejectResponse) => `${file}.${row}` } as const;
    return toPage(rejects.map(rejectResponse), `/v1/imports/${id}/rejects`, query, cursor);
  }

  @Get('rejects.ndjson')
  @ApiOperation({
    summary: 'Download all rejected rows',
    description: 'One JSON object per line, with the same fields as in the list.',
  })
  @ApiOkResponse({
    description: 'The file, streamed',
    content: { 'application/x-ndjson': { schema: { type: 'string' } } },
  })
  async downloadImportRejects(
    @Param('id', { schema: OperationIdSchema }) id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.find(id);
    await reply
      .header('Content-Type', 'application/x-ndjson; charset=utf-8')
      .header('Content-Disposition', `attachment; filename="import-${id}-rejects.ndjson"`)
      .header('Cache-Control', 'no-store')
      .send(Readable.from(lines(this.rejects.all(id))));
  }

  private async find(id: string): Promise<OperationDocument> {
    const operation = await this.operations.find(id);
    if (operation?.kind !== 'import') throw notFound(`There is no import ${id}.`);
    return operation;
  }
}

async function* lines(rejects: AsyncIterable<ImportReject>): AsyncGenerator<string> {
  for await (const reject of rejects) yield `${JSON.stringify(rejectResponse(reject))}\n`;
}
