import { Controller } from '@nestjs/common';
import { Ctx, EventPattern } from '@nestjs/microservices';
import { ORDERS_TOPIC } from '#orders/topics.js';
import { ParallelConsumerContext } from '#nestjs-parallel-consumer/parallel-consumer-context.js';
import { PARALLEL_CONSUMER } from '#nestjs-parallel-consumer/parallel-consumer-server.js';
import { OrderSaver } from './order-saver.js';

/** What comes on the orders' topic is saved. */
@Controller()
export class OrdersController {
  constructor(private readonly saver: OrderSaver) {}

  @EventPattern(ORDERS_TOPIC, PARALLEL_CONSUMER)
  save(@Ctx() { record, attempt }: ParallelConsumerContext): Promise<void> {
    return this.saver.save(record, attempt);
  }
}
