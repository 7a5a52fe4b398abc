import { Body, Controller, Headers, HttpCode, Post, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiHeader,
  ApiOperation,
  ApiPayloadTooLargeResponse,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Audited } from '#service/audit/audit-requests.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { parseIdempotencyKey } from '../operations/idempotency-keys.js';
import { Intake } from './intake.js';
import { AcceptedOrdersSchema, IntakeBodySchema, type AcceptedOrders, type IntakeBody } from './intake-body.js';
import { createRequest } from './orders-request.js';

@ApiTags('orders')
@RequiresScope('orders:write')
@Controller('v1/orders')
export class IntakeController {
  constructor(private readonly intake: Intake) {}

  @Post()
  @Audited('send-orders', { onlyRefusals: true })
  @HttpCode(202)
  @ApiOperation({
    summary: 'Accept an order, or up to 1,000 orders',
    description:
      'Responds once Kafka has all orders on all in-sync replicas; consumers save them within about a second. All or nothing: one bad order refuses the array. ' +
      'Requests within a few milliseconds share a batch. An order whose id is saved already with the same content is not saved twice; with other content it becomes a dead letter (`conflict`). ' +
      'Orders of one client that are sent after the response for earlier ones are saved after them, by account.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'A unique key for this request and caller, stored for two days. Repeating the request returns the same ids and numbers. The ids of orders without one are derived from it.',
  })
  @ApiAcceptedResponse({
    standardSchema: AcceptedOrdersSchema,
    description: 'The orders have their numbers, and will be saved.',
    headers: {
      Location: {
        description:
          'Path of the order, or of the operation if the body is an array. The query API has the order; the producer redirects to it.',
        schema: { type: 'string' },
      },
    },
  })
  @ApiBadRequestResponse({ description: 'Problem details that list invalid fields, at most 100; nothing was accepted' })
  @ApiPayloadTooLargeResponse({ description: 'Problem details: the body is larger than 1 MiB' })
  @ApiUnprocessableEntityResponse({ description: 'Problem details: the key was used for another request' })
  @ApiServiceUnavailableResponse({
    description:
      'Problem details: `too-many-waiting`, `topic-expands`, `not-accepted` and `database-away`: nothing was accepted. `outcome-unknown`: the orders may be accepted; repeat the request with the same key or ids.',
  })
  async createOrders(
    @Body({ schema: IntakeBodySchema }) body: IntakeBody,
    @Headers('idempotency-key') header: string | undefined,
    @Req() { caller }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AcceptedOrders> {
    const isArray = Array.isArray(body);
    const source = { caller: caller?.subject, key: parseIdempotencyKey(header), isArray };
    const { operationId, items } = await this.intake.accept(createRequest(isArray ? body : [body], source));
    void reply.header('Location', isArray ? `/v1/operations/${operationId}` : `/v1/orders/${items[0]?.id ?? ''}`);
    return { operationId, items: [...items] };
  }
}
