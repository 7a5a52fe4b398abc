import { Body, Controller, Get, Header, HttpCode, Param, Post, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { OperationDocument } from '#orders/operation.js';
import { notFound } from '#service/problem.js';
import { OperationResponseSchema, operationResponse, type OperationResponse } from './operation-response.js';
import { OperationRunner } from './operation-runner.js';
import { Operations } from './operations.js';
import { PopulateRequestSchema, type PopulateRequest } from './populate-request.js';
import { SavedCount } from './saved-count.js';

@ApiTags('operations')
@Controller('v1')
export class OperationsController {
  constructor(
    private readonly operations: Operations,
    private readonly runner: OperationRunner,
    private readonly counts: SavedCount,
  ) {}

  @Post('populate')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Emit fake orders',
    description: 'Starts an operation that runs in the background and survives restarts; follow it at its Location.',
  })
  @ApiAcceptedResponse({
    standardSchema: OperationResponseSchema,
    description: 'The operation, just begun',
    headers: { Location: { description: 'Where to follow it', schema: { type: 'string' } } },
  })
  @ApiBadRequestResponse({ description: 'Problem details naming every bad field; nothing was produced' })
  async populate(
    @Body({ schema: PopulateRequestSchema }) request: PopulateRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationResponse> {
    const operation = await this.operations.create(request);
    this.runner.kick();
    void reply.header('Location', `/v1/operations/${operation._id}`);
    return operationResponse(operation, { saved: 0, deadLettered: 0 }, new Date());
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
  async operation(
    @Param('id', { schema: z.guid('must be a UUID').toLowerCase() }) id: string,
  ): Promise<OperationResponse> {
    const operation = await this.operations.find(id);
    if (operation === null) throw notFound(`There is no operation ${id}.`);
    return this.response(operation);
  }

  private async response(operation: OperationDocument): Promise<OperationResponse> {
    const [saved, deadLettered] = await Promise.all([
      this.counts.saved(operation),
      this.counts.deadLettered(operation),
    ]);
    return operationResponse(operation, { saved, deadLettered }, new Date());
  }
}
