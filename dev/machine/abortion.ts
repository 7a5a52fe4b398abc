/** Returns a promise that rejects with the signal's reason once it is aborted. For races: it needn't be awaited. */
export function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const fail = (): void => reject(signal.reason as Error);
  if (signal.aborted) fail();
  else signal.addEventListener('abort', fail, { once: true });
  // The race may be decided long before the abort: prevents an unhandled rejection.
  promise.catch(() => undefined);
  return promise;
}
