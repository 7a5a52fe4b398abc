import type { MessageHandler } from '@nestjs/microservices';
import type { ParallelConsumerContext } from './parallel-consumer-context.js';
import { ParallelConsumerSetupError } from './setup-error.js';

/** A handler with its guards, pipes, interceptors and filters, as Nest built it. It resolves to a value or to an Observable. */
export type EventHandler = (payload: unknown, context: ParallelConsumerContext) => Promise<unknown>;

/**
 * Looks each topic's handler up, once.
 * @param handlers what Nest registered with the strategy, by pattern
 * @param topics those without a handler in their options
 * @throws ParallelConsumerSetupError unless each topic has exactly one `@EventPattern` handler, and each handler a topic
 */
export function eventHandlers(
  handlers: ReadonlyMap<string, MessageHandler>,
  topics: readonly string[],
): Map<string, EventHandler> {
  for (const [pattern, { isEventHandler, next }] of handlers) {
    if (isEventHandler !== true)
      throw new ParallelConsumerSetupError(
        'request-response-handler',
        `@MessagePattern(${pattern}): this transport sends no replies. Use @EventPattern, or name the transport that the handler is for as the decorator's second argument.`,
      );
    if (!topics.includes(pattern))
      throw new ParallelConsumerSetupError(
        'handler-without-topic',
        `@EventPattern(${pattern}): not one of the topics without a \`handler\` of their own (${topics.join(', ')}). Add it to the strategy's \`topics\`, or name the transport that the handler is for as the decorator's second argument.`,
      );
    if (next !== undefined)
      throw new ParallelConsumerSetupError(
        'several-handlers',
        `@EventPattern(${pattern}): there are several, but a record is done or fails as a whole. Let one handler call the others, or give each a strategy of its own with its own group.`,
      );
  }
  return new Map(topics.map((topic) => [topic, handlerOf(topic, handlers)]));
}

function handlerOf(topic: string, handlers: ReadonlyMap<string, MessageHandler>): EventHandler {
  const handler = handlers.get(topic);
  if (handler === undefined)
    throw new ParallelConsumerSetupError(
      'topic-without-handler',
      `No handler for the topic ${topic}. Add @EventPattern('${topic}', PARALLEL_CONSUMER) to a method of a controller, or take the topic out of the strategy's \`topics\`.`,
    );
  return handler;
}
