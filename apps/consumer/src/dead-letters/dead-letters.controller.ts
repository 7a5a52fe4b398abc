import { Controller } from '@nestjs/common';
import { Ctx, EventPattern } from '@nestjs/microservices';
import { DEAD_LETTER_TOPIC } from '#orders/topics/topics.js';
import { ParallelConsumerContext, PARALLEL_CONSUMER } from '@orders-pipeline/nestjs-parallel-consumer';
import { DeadLetterProjection } from './dead-letter-projection.js';

/**
 * Projects the dead-letter topic into MongoDB, which stores the state of each letter. The topic contains every published letter,
 * so none is missed while MongoDB is unavailable; a letter that was published twice gives one document.
 */
@Controller()
export class DeadLettersController {
  constructor(private readonly projection: DeadLetterProjection) {}

  @EventPattern(DEAD_LETTER_TOPIC, PARALLEL_CONSUMER)
  project(@Ctx() { record, attempt }: ParallelConsumerContext): Promise<void> {
    return this.projection.project(record, attempt);
  }
}
