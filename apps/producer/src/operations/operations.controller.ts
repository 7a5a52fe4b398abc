import { Body, Controller, Get, Header, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Audited } from '#service/auth/audit.interceptor.js';
import { idempotencyKeyOf } from './idempotency-keys.js';
import { OperationIdSchema } from './operation-id.js';
import { OperationResponseSchema, OperationsPageSchema, type OperationResponse } from './operation-response.js';
import type { OperationsPage } from './operation-response.js';
import { OperationView } from './operation-view.js';
import { Operations } from './operations.js';
import { nextPage, OperationsQuerySchema, type OperationsQuery } from './operations-query.js';
import { PopulateRequestSchema, type PopulateRequest } from './populate-request.js';
import { WakeUp } from '../background/wake-up.js';

@ApiTags('operations')
@RequiresScope('orders:read')
@Controller('v1')
export class OperationsController {
  constructor(
    private readonly operations: Operations,
    private readonly wakeUp: WakeUp,
    private readonly view: OperationView,
  ) {}

  @Post('populate')
  @RequiresScope('orders:write')
  @Audited('populate')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Emit fake orders',
    description: 'Starts an operation that runs in the background and survives restarts; follow it at its Location.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'A name of your own for this request, remembered for two days: repeated with the same body it answers the same operation.',
  })
  @ApiAcceptedResponse({
    standardSchema: OperationResponseSchema,
    description: 'The operation, just begun, or the one that this key made before',
    headers: { Location: { description: 'Where to follow it', schema: { type: 'string' } } },
  })
  @ApiBadRequestResponse({ description: 'Problem details naming every bad field; nothing was produced' })
  @ApiUnprocessableEntityResponse({ description: 'Problem details: the key was used for another request' })
  async populate(
    @Body({ schema: PopulateRequestSchema }) request: PopulateRequest,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationResponse> {
    const operation = await this.operations.createPopulate(request, idempotencyKeyOf(key));
    this.wakeUp.call();
    void reply.header('Location', `/v1/operations/${operation._id}`);
    return this.view.of(operation);
  }

  @Get('operations')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Operations, newest first' })
  @ApiOkResponse({ standardSchema: OperationsPageSchema })
  @ApiBadRequestResponse({ description: 'Problem details naming every bad parameter' })
  async list(@Query({ schema: OperationsQuerySchema }) query: OperationsQuery): Promise<OperationsPage> {
    const operations = await this.operations.list(query);
    const items = await Promise.all(operations.map(async (operation) => this.view.of(operation)));
    const next = nextPage(
      query,
      operations.map(({ _id }) => _id),
    );
    return { items, page: { size: query.pageSize, ...(next !== undefined && { next }) } };
  }

  @Get('operations/:id')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'How far an operation is',
    description: 'Tells generated, acknowledged, saved and dead-lettered apart.',
  })
  @ApiOkResponse({ standardSchema: OperationResponseSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such operation' })
  @ApiBadRequestResponse({ description: 'Problem details: the id is no UUID' })
  async operation(@Param('id', { schema: OperationIdSchema }) id: string): Promise<OperationResponse> {
    return this.view.byId(id);
  }
}
