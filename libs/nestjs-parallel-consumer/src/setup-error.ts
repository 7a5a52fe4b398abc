/**
 * - `no-topics`: the options name no topic
 * - `no-group`: a topic has no `groupId`
 * - `group-shared`: two topics have the same consumer group
 * - `topic-without-handler`: a topic of the options has no handler
 * - `handler-without-topic`: a handler's topic is not in the options
 * - `several-handlers`: a topic has more than one handler
 * - `request-response-handler`: a handler uses `@MessagePattern`
 * - `no-events`: `on` was called
 */
export type SetupErrorCode =
  | 'no-topics'
  | 'no-group'
  | 'group-shared'
  | 'topic-without-handler'
  | 'handler-without-topic'
  | 'several-handlers'
  | 'request-response-handler'
  | 'no-events';

/** Thrown at startup when the options and the handlers do not match. The message says how to fix it. */
export class ParallelConsumerSetupError extends Error {
  override readonly name = 'ParallelConsumerSetupError';

  constructor(
    readonly code: SetupErrorCode,
    message: string,
  ) {
    super(message);
  }
}
