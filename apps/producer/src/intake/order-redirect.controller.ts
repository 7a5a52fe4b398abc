import { Controller, Get, HttpStatus, Param, Redirect, Req } from '@nestjs/common';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Problem } from '#service/http/problem.js';

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
