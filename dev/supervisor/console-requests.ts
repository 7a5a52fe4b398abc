/** What the console requests from the supervisor, over the channel that every app has to it. */
export interface ConsoleRequest {
  readonly type: 'scale';
  readonly consumers: number;
}

/** @returns undefined for any other message */
export function readConsoleRequest(message: unknown): ConsoleRequest | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { type, consumers } = message as Partial<Record<keyof ConsoleRequest, unknown>>;
  return type === 'scale' && Number.isInteger(consumers) ? { type, consumers: Number(consumers) } : undefined;
}
