/** The requests of the console to the supervisor, over the IPC channel that every app has to it. */
export type ConsoleRequest =
  | { readonly type: 'scale'; readonly consumers: number }
  | { readonly type: 'compare'; readonly orders: number; readonly saveMs: string; readonly full: boolean }
  | { readonly type: 'stop-compare' }
  /** Requests the state: a console that was restarted doesn't know of a comparison that its predecessor started. */
  | { readonly type: 'tell-comparison' };

/** @returns undefined for any other message */
export function readConsoleRequest(message: unknown): ConsoleRequest | undefined {
  if (!isObject(message)) return undefined;
  const { type, consumers, orders, saveMs, full } = message;
  switch (type) {
    case 'scale':
      return Number.isInteger(consumers) ? { type, consumers: Number(consumers) } : undefined;
    case 'compare':
      if (!Number.isInteger(orders) || typeof saveMs !== 'string' || typeof full !== 'boolean') return undefined;
      return { type, orders: Number(orders), saveMs, full };
    case 'stop-compare':
    case 'tell-comparison':
      return { type };
    default:
      return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
