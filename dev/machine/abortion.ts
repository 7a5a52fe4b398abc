/** Rejects once the signal is aborted, with its reason. For races: nobody has to wait for it. */
export function abortionOf(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const fail = (): void => reject(signal.reason as Error);
  if (signal.aborted) fail();
  else signal.addEventListener('abort', fail, { once: true });
  // Whoever raced it may be done long since.
  promise.catch(() => undefined);
  return promise;
}
