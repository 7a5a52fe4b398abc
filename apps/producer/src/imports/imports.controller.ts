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
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Audited } from '#service/auth/audit.interceptor.js';
import { idempotencyKeyOf } from '../operations/idempotency-keys.js';
import { OperationIdSchema } from '../operations/operation-id.js';
import { OperationResponseSchema, type OperationResponse } from '../operations/operation-response.js';
import { OperationView } from '../operations/operation-view.js';
import { WakeUp } from '../background/wake-up.js';
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
  ) {}

  @Post()
  @RequiresScope('orders:write')
  @Audited('import')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Import orders of the legacy system',
    description:
      'Takes legacy chunk files, JSON arrays of orders, and starts an operation that reads and emits them; follow it at its Location. ' +
      'All files are durable when this answers. A row is `{id, number}` or any part of the full shape of an order; what is missing is filled ' +
      'from the id and named in `legacy.filled`. Rows that are no orders are set aside, with file, row and reason. ' +
      'A file that an import had before, byte for byte, is not read again, and an order that is there already is skipped.',
    requestBody: IMPORT_BODY,
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'A name of your own for this request, remembered for two days: repeated with the same files it answers the same operation.',
  })
  @ApiAcceptedResponse({
    standardSchema: OperationResponseSchema,
    description: 'The operation, just begun, or the one that this key made before',
    headers: { Location: { description: 'Where to follow it', schema: { type: 'string' } } },
  })
  @ApiBadRequestResponse({ description: 'Problem details: no files, a bad parameter, or a body that breaks off' })
  @ApiForbiddenResponse({ description: 'Problem details: no folder may be imported from (setting IMPORT_DIR)' })
  @ApiPayloadTooLargeResponse({ description: 'Problem details: too many bytes (setting IMPORT_MAX_BYTES) or files' })
  @ApiUnprocessableEntityResponse({
    description:
      'Problem details: a zip bomb, a path that leads out, a link, an encrypted or damaged entry; or the key was used for another request',
  })
  async import(
    @Query({ schema: ImportQuerySchema }) query: ImportQuery,
    @Headers('idempotency-key') key: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationResponse> {
    const operation = await this.receiver.receive(request, { query, key: idempotencyKeyOf(key) });
    this.wakeUp.call();
    void reply.header('Location', `/v1/operations/${operation._id}`);
    return this.operations.of(operation);
  }

  @Get(':id')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'How far the reading of an import is' })
  @ApiOkResponse({ standardSchema: ImportResponseSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such import' })
  @ApiBadRequestResponse({ description: 'Problem details: the id is no UUID' })
  async find(@Param('id', { schema: OperationIdSchema }) id: string): Promise<ImportResponse> {
    return this.imports.byId(id);
  }

  @Get(':id/files')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'The manifest of an import: its files, in order' })
  @ApiOkResponse({ standardSchema: ImportFilesSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such import' })
  @ApiBadRequestResponse({ description: 'Problem details naming every bad parameter' })
  async files(
    @Param('id', { schema: OperationIdSchema }) id: string,
    @Query({ schema: FilesQuerySchema }) query: FilesQuery,
  ): Promise<ImportFiles> {
    return this.imports.files(id, query);
  }
}
