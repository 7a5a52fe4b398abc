import { Body, Controller, Get, Header, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiForbiddenResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Audited } from '#service/audit/audit-requests.js';
import { FaultInjection } from './fault-injection.js';
import { parseIdempotencyKey } from './idempotency-keys.js';
import { OperationIdSchema } from './operation-id.js';
import {
  OperationResponseSchema,
  OperationsPageSchema,
  type OperationResponse,
  type OperationsPage,
} from './operation-response.js';
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
    private readonly faultInjection: FaultInjection,
  ) {}

  @Post('populate')
  @RequiresScope('orders:write')
  @Audited('populate')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Generate and emit orders',
    description:
      'Starts an operation that runs in the background and survives restarts. The Location header is its path.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'A unique key for this request and caller, stored for two days. Repeating the request with the same key and body returns the same operation.',
  })
  @ApiAcceptedResponse({
    standardSchema: OperationResponseSchema,
    description: 'The new operation, or the existing one of this idempotency key',
    headers: { Location: { description: 'Path of the operation', schema: { type: 'string' } } },
  })
  @ApiBadRequestResponse({ description: 'Problem details that list every invalid field; nothing was emitted' })
  @ApiForbiddenResponse({
    description:
      'Problem details: `faults` are off (setting ALLOW_FAULT_INJECTION), or the token does not have the scope `orders:write`, or `faults:inject` for faults',
  })
  @ApiUnprocessableEntityResponse({ description: 'Problem details: the key was used for another request' })
  async populate(
    @Body({ schema: PopulateRequestSchema }) request: PopulateRequest,
    @Headers('idempotency-key') key: string | undefined,
    @Req() { caller }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationResponse> {
    this.faultInjection.check(request, caller);
    const operation = await this.operations.createPopulate(request, parseIdempotencyKey(key, caller));
    this.wakeUp.call();
    void reply.header('Location', `/v1/operations/${operation._id}`);
    return this.view.forDocument(operation);
  }

  @Get('operations')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'List operations, newest first' })
  @ApiOkResponse({ standardSchema: OperationsPageSchema })
  @ApiBadRequestResponse({ description: 'Problem details that list every invalid parameter' })
  async listOperations(@Query({ schema: OperationsQuerySchema }) query: OperationsQuery): Promise<OperationsPage> {
    const { items: operations, hasMore } = await this.operations.list(query);
    const items = await Promise.all(operations.map(async (operation) => this.view.forDocument(operation)));
    const last = operations.at(-1);
    return {
      items,
      page: { size: query.pageSize, ...(hasMore && last !== undefined && { next: nextPage(query, last._id) }) },
    };
  }

  @Get('operations/:id')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Get the progress of an operation',
    description: 'Counts generated, acknowledged, saved and dead-lettered orders separately.',
  })
  @ApiOkResponse({ standardSchema: OperationResponseSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such operation' })
  @ApiBadRequestResponse({ description: 'Problem details: the id is not a UUID' })
  async getOperation(@Param('id', { schema: OperationIdSchema }) id: string): Promise<OperationResponse> {
    return this.view.byId(id);
  }
}
