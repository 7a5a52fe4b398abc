import { Controller, Get, Param } from '@nestjs/common';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { AbsentOrders } from '../orders/absent-orders.js';
import { orderId } from '../orders/batch-get.js';
import { OrderTraces, OrderTraceSchema, type OrderTrace } from './order-trace.js';

@ApiTags('orders')
@RequiresScope('orders:read')
@Controller('v1/orders/:id/trace')
export class OrderTraceController {
  constructor(
    private readonly traces: OrderTraces,
    private readonly absent: AbsentOrders,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Get the processing history of an order',
    description: 'Returns the operation, chunk, partition, offset, number of attempts and the time of the save.',
  })
  @ApiOkResponse({ standardSchema: OrderTraceSchema })
  @ApiBadRequestResponse({ description: 'Problem details: the id is not a UUID' })
  @ApiNotFoundResponse({
    description: 'Problem details: no such order, or not saved yet. `order-archived`: it is in an archive',
  })
  async getOrderTrace(@Param('id', { schema: orderId }) id: string): Promise<OrderTrace> {
    const trace = await this.traces.of(id);
    if (trace !== null) return trace;
    await this.absent.requireNotArchived(id);
    throw this.absent.notSaved(id);
  }
}
