import { Controller, Get, Param } from '@nestjs/common';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { notFound } from '#service/http/problem.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { orderId } from '../orders/batch-get.js';
import { OrderTraces, OrderTraceSchema, type OrderTrace } from './order-trace.js';

@ApiTags('orders')
@RequiresScope('orders:read')
@Controller('v1/orders/:id/trace')
export class OrderTraceController {
  constructor(private readonly traces: OrderTraces) {}

  @Get()
  @ApiOperation({
    summary: 'Get the processing history of an order',
    description: 'Returns the operation, chunk, partition, offset, number of attempts and the time of the save.',
  })
  @ApiOkResponse({ standardSchema: OrderTraceSchema })
  @ApiBadRequestResponse({ description: 'Problem details: the id is not a UUID' })
  @ApiNotFoundResponse({ description: 'Problem details: no such order, or not saved yet' })
  async getOrderTrace(@Param('id', { schema: orderId }) id: string): Promise<OrderTrace> {
    const trace = await this.traces.of(id);
    if (trace === null) throw notFound(`There is no saved order ${id}.`);
    return trace;
  }
}
