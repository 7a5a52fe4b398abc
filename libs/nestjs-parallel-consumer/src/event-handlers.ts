import type { MessageHandler } from '@nestjs/microservices';
import type { ParallelConsumerContext } from './parallel-consumer-context.js';
import { ParallelConsumerSetupError } from './setup-error.js';

/** A handler as built by Nest, with its guards, pipes, interceptors and filters. It resolves to a value or to an Observable. */
export type EventHandler = (payload: unknown, context: ParallelConsumerContext) => Promise<unknown>;

/**
 * Finds the handler of each topic.
 * @param handlers the handlers that Nest registered with the strategy, by pattern
 * @param topics the topics without a handler in their options
 * @throws ParallelConsumerSetupError unless each topic has exactly one `@EventPattern` handler, and each handler has a topic
 */
export function eventHandlers(
  handlers: ReadonlyMap<string, MessageHandler>,
  topics: readonly string[],
): Map<string, EventHandler> {
  for (const [pattern, { isEventHandler, next }] of handlers) {
    if (isEventHandler !== true)
      throw new ParallelConsumerSetupError(
        'request-response-handler',
        `@MessagePattern(${pattern}): this transport sends no replies. Use @EventPattern, or pass the handler's transport as the second argument of the decorator.`,
      );
    if (!topics.includes(pattern))
      throw new ParallelConsumerSetupError(
        'handler-without-topic',
        `@EventPattern(${pattern}): the topic must be one of those without a \`handler\` option (${topics.join(', ')}). Add it to the strategy's \`topics\`, or pass the handler's transport as the second argument of the decorator.`,
      );
    if (next !== undefined)
      throw new ParallelConsumerSetupError(
        'several-handlers',
        `@EventPattern(${pattern}): a topic can have only one handler, because a record succeeds or fails as a whole. Call the others from one handler, or give each handler its own strategy and consumer group.`,
      );
  }
  return new Map(topics.map((topic) => [topic, findHandler(topic, handlers)]));
}

function findHandler(topic: string, handlers: ReadonlyMap<string, MessageHandler>): EventHandler {
  const handler = handlers.get(topic);
  if (handler === undefined)
    throw new ParallelConsumerSetupError(
      'topic-without-handler',
      `The topic ${topic} has no handler. Add @EventPattern('${topic}', PARALLEL_CONSUMER) to a controller method, or remove the topic from the strategy's \`topics\`.`,
    );
  return handler;
}
