import { Controller, Get, Header, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
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
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { audited } from '#service/audit/audit-requests.js';
import { parseIdempotencyKey } from '../operations/idempotency-keys.js';
import { OperationIdSchema } from '../operations/operation-id.js';
import { OperationResponseSchema, type OperationResponse } from '../operations/operation-response.js';
import { OperationView } from '../operations/operation-view.js';
import { WakeUp } from '../background/wake-up.js';
import { ImportPlaces } from './import-places.js';
import { ImportReceiver } from './import-receiver.js';
import { ImportQuerySchema, type ImportQuery } from './import-request.js';
import { IMPORT_BODY } from './import-body.js';
import { ImportFilesSchema, ImportResponseSchema, type ImportFiles, type ImportResponse } from './import-response.js';
import { ImportView } from './import-view.js';
import { FilesQuerySchema, type FilesQuery } from './manifest-query.js';

@ApiTags('imports')
@RequiresScope('orders:read')
@Controller('v1/imports')
export class ImportsController {
  constructor(
    private readonly receiver: ImportReceiver,
    private readonly wakeUp: WakeUp,
    private readonly operations: OperationView,
    private readonly imports: ImportView,
    private readonly places: ImportPlaces,
  ) {}

  @Post()
  @RequiresScope('orders:write')
  @RouteConfig({ accepts: Object.keys(IMPORT_BODY.content), ...audited('import') } satisfies FastifyContextConfig)
  @HttpCode(202)
  @ApiOperation({
    summary: 'Import orders of the legacy system',
    description:
      'Stores legacy chunk files (JSON arrays of orders) and starts an operation that reads and emits them. ' +
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
    this.wakeUp.call();
    void reply.header('Location', `/v1/operations/${operation._id}`);
    return this.operations.forDocument(operation);
  }

  @Get(':id')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Get the reading progress of an import' })
  @ApiOkResponse({ standardSchema: ImportResponseSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such import' })
  @ApiBadRequestResponse({ description: 'Problem details: the id is not a UUID' })
  async getImport(@Param('id', { schema: OperationIdSchema }) id: string): Promise<ImportResponse> {
    return this.imports.byId(id);
  }

  @Get(':id/files')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'List the files of an import, in order' })
  @ApiOkResponse({ standardSchema: ImportFilesSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such import' })
  @ApiBadRequestResponse({ description: 'Problem details that list every invalid parameter' })
  async listImportFiles(
    @Param('id', { schema: OperationIdSchema }) id: string,
    @Query({ schema: FilesQuerySchema }) query: FilesQuery,
  ): Promise<ImportFiles> {
    return this.imports.files(id, query);
  }
}
