import { Body, Controller, Get, Headers, HttpCode, HttpStatus, Param, Post, Redirect, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOperation,
  ApiPayloadTooLargeResponse,
  ApiResponse,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type IntakeOrder, IntakeOrderSchema } from '#orders/order/intake-order.js';
import { Audited } from '#service/audit/audit-requests.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Problem } from '#service/http/problem.js';
import { parseIdempotencyKey } from '../operations/idempotency-keys.js';
import { MAX_BATCH_ORDERS } from './intake-queue.js';
import { Intake } from './intake.js';
import { type AcceptedOrders, AcceptedOrdersSchema, createRequest } from './orders-request.js';

const ManyOrdersSchema = z
  .array(IntakeOrderSchema)
  .min(1)
  .max(MAX_BATCH_ORDERS)
  .superRefine((orders, context) => {
    const indexes = new Map<string, number>();
    for (const [index, { id }] of orders.entries()) {
      const earlier = id === undefined ? undefined : indexes.get(id);
      if (earlier !== undefined)
        context.addIssue({
          code: 'custom',
          path: [index, 'id'],
          message: `must not be the id of order ${earlier} too`,
        });
      else if (id !== undefined) indexes.set(id, index);
    }
  });

/** One order, or an array of orders. */
export type IntakeBody = IntakeOrder | IntakeOrder[];

const either = z.union([IntakeOrderSchema, ManyOrdersSchema]);

/**
 * The body of `POST /v1/orders`. It validates an array against the schema of arrays, and anything else against that of an order:
 * the issues of a union would not name the invalid field.
 */
export const IntakeBodySchema = Object.defineProperty(either, '~standard', {
  value: {
    ...either['~standard'],
    validate: (body: unknown) =>
      (Array.isArray(body) ? ManyOrdersSchema : IntakeOrderSchema)['~standard'].validate(body),
  },
});

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
      'Responds once Kafka has all orders on all in-sync replicas; consumers save them afterwards. All or nothing: one bad order refuses the array. ' +
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
      'Problem details: `too-many-waiting`, `topic-expands`, `not-accepted` and `database-away`: nothing was accepted. `outcome-unknown`: the orders may have been accepted; repeat the request with the same key or ids.',
  })
  async createOrders(
    @Body({ schema: IntakeBodySchema }) body: IntakeBody,
    @Headers('idempotency-key') header: string | undefined,
    @Req() { caller }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AcceptedOrders> {
    const isArray = Array.isArray(body);
    const source = { caller: caller?.subject, key: parseIdempotencyKey(header), isArray };
    const accepted = await this.intake.accept(createRequest(isArray ? body : [body], source));
    const { operationId, items } = accepted;
    void reply.header('Location', isArray ? `/v1/operations/${operationId}` : `/v1/orders/${items[0]?.id ?? ''}`);
    return accepted;
  }
}

const OrderIdSchema = z.guid('must be a UUID').toLowerCase().describe('The id of an order.');

/** Where clients reach the query API. */
export class QueryApiAddress {
  /** @param url `undefined`: unknown */
  constructor(readonly url: string | undefined) {}
}

/** Serves clients that follow the `Location` of an accepted order at the producer, which has no orders. */
@ApiTags('orders')
@RequiresScope('orders:write')
@Controller('v1/orders')
export class OrderRedirectController {
  constructor(private readonly queryApi: QueryApiAddress) {}

  @Get(':id')
  @Redirect('', HttpStatus.TEMPORARY_REDIRECT)
  @ApiOperation({ summary: 'Redirect to an order at the query API', description: 'Query parameters are passed on.' })
  @ApiResponse({
    status: HttpStatus.TEMPORARY_REDIRECT,
    description: 'The order is at `Location`',
    headers: { Location: { description: 'Address of the order at the query API', schema: { type: 'string' } } },
  })
  @ApiBadRequestResponse({ description: 'Problem details: the id is not a UUID' })
  @ApiNotFoundResponse({ description: 'Problem details: `QUERY_API_PUBLIC_URL` is not set' })
  redirectToOrder(
    @Param('id', { schema: OrderIdSchema }) id: string,
    @Req() { url }: Pick<FastifyRequest, 'url'>,
  ): { readonly url: string } {
    const [, query] = url.split('?', 2);
    const path = `/v1/orders/${id}${query === undefined ? '' : `?${query}`}`;
    if (this.queryApi.url === undefined)
      throw new Problem(
        HttpStatus.NOT_FOUND,
        'not-found',
        `The producer has no orders: request ${path} from the query API. With QUERY_API_PUBLIC_URL the producer redirects there.`,
      );
    return { url: this.queryApi.url.replace(/\/$/, '') + path };
  }
}

/** 1,000 orders with the longest texts, in UTF-8, fit. */
const MAX_BYTES = 1024 * 1024;

/** Raises the limit of the body for the intake's route alone. */
export function acceptManyOrders(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (route.url === '/v1/orders' && route.method === 'POST') route.bodyLimit = MAX_BYTES;
  });
}
