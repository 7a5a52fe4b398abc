import type { Attempt } from '../attempts/record-handler.js';

/** Returns an attempt for specs that call a handler themselves: by default the first one, current, of a record behind which none waits. */
export function anAttempt(properties: Partial<Attempt> = {}): Attempt {
  const { signal = new AbortController().signal } = properties;
  return { number: 1, signal, fence: 1, isCurrent: !signal.aborted, takeNext: () => undefined, ...properties };
}
