/** What is looked at of a process: `process` itself, everywhere but in a test. */
interface KeptProcess {
  /** Undefined in one that was started without a channel. */
  readonly connected: boolean | undefined;
  once(event: 'disconnect', listener: () => void): unknown;
}

/**
 * Calls `listener` once the process that started this one, with a channel to it, is gone or has closed that. One that went before this was asked is told
 * of at once: Node tells of it only to who listens at that moment, and an app loads for a second before anything of it does. Never called in a process
 * that was started without a channel.
 */
export function onParentExit(listener: () => void, kept: KeptProcess = process): void {
  if (kept.connected === false) listener();
  else kept.once('disconnect', listener);
}

/** Tells the process that started this one, if it has a channel to it, where this one listens. */
export function announceToParent(url: string): void {
  // Without somebody to take the error it would end the process in the midst of its drain. Of a keeper that is gone the other one tells.
  process.send?.({ type: 'listening', url }, undefined, {}, () => undefined);
}
