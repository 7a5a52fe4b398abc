import { systemClock, type Clock } from '@orders-pipeline/clock';

/** Resolves after `milliseconds`, or as soon as the signal is aborted. */
export async function interruptiblePause(
  milliseconds: number,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => resolve();
  const cancel = clock.after(milliseconds, wake);
  signal.addEventListener('abort', wake, { once: true });
  await promise;
  cancel();
  signal.removeEventListener('abort', wake);
}
