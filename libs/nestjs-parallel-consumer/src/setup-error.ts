/**
 * - `no-topics`: the options name no topic
 * - `group-shared`: two topics have the same consumer group
 * - `topic-without-handler`: a topic of the options that no handler is for
 * - `handler-without-topic`: a handler for a topic that the options don't name
 * - `several-handlers`: more than one handler for a topic
 * - `request-response-handler`: a `@MessagePattern` handler
 * - `no-events`: `on` was called
 */
export type SetupErrorCode =
  | 'no-topics'
  | 'group-shared'
  | 'topic-without-handler'
  | 'handler-without-topic'
  | 'several-handlers'
  | 'request-response-handler'
  | 'no-events';

/** The options and the handlers don't fit together: nothing starts on a guess. The message says what to do. */
export class ParallelConsumerSetupError extends Error {
  override readonly name = 'ParallelConsumerSetupError';

  constructor(
    readonly code: SetupErrorCode,
    message: string,
  ) {
    super(message);
  }
}
