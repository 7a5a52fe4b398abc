/**
 * Returns the protocol error of a kafkajs error, such as `OFFSET_METADATA_TOO_LARGE`; `undefined` for any other error. kafkajs
 * wraps the broker's error once per layer of retries, and only the innermost cause has the `type`.
 */
export function getProtocolErrorType(error: unknown): string | undefined {
  let type: string | undefined;
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('type' in cause && typeof cause.type === 'string') type = cause.type;
  return type;
}
