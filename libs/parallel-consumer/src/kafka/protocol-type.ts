/**
 * What the broker answered, such as `OFFSET_METADATA_TOO_LARGE`; `undefined` for anything else. kafkajs wraps its answer once
 * for each layer of retries, and the wrappers don't say it: the innermost cause does.
 */
export function protocolType(error: unknown): string | undefined {
  let type: string | undefined;
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('type' in cause && typeof cause.type === 'string') type = cause.type;
  return type;
}
