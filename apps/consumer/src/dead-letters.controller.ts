import { Controller } from '@nestjs/common';
import { Ctx, EventPattern } from '@nestjs/microservices';
import { DEAD_LETTER_TOPIC } from '#orders/topics.js';
import { ParallelConsumerContext } from '#nestjs-parallel-consumer/parallel-consumer-context.js';
import { PARALLEL_CONSUMER } from '#nestjs-parallel-consumer/parallel-consumer-server.js';
import { DeadLetterProjection } from './dead-letter-projection.js';

/**
 * Keeps in MongoDB what state each dead letter is in, from the dead-letter topic itself: the topic has every letter that
 * was ever published, so nothing is missed while MongoDB is away, and a letter published twice is one document.
 */
@Controller()
export class DeadLettersController {
  constructor(private readonly projection: DeadLetterProjection) {}

  @EventPattern(DEAD_LETTER_TOPIC, PARALLEL_CONSUMER)
  project(@Ctx() { record, attempt }: ParallelConsumerContext): Promise<void> {
    return this.projection.project(record, attempt);
  }
}
