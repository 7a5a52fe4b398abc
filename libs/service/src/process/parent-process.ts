/** The used part of `process`, replaceable in tests. */
interface ChildProcess {
  /** `undefined` in a process that was started without an IPC channel. */
  readonly connected: boolean | undefined;
  once(event: 'disconnect', listener: () => void): unknown;
}

/**
 * Calls `listener` once when the parent process exits or closes the IPC channel. If that has already happened, it calls the
 * listener immediately: Node emits the event only once, and an app loads for about a second before it can listen.
 * In a process without an IPC channel the listener is never called.
 */
export function onParentExit(listener: () => void, child: ChildProcess = process): void {
  if (child.connected === false) listener();
  else child.once('disconnect', listener);
}

/** Sends the address on which this process listens to its parent, if there is an IPC channel. */
export function announceToParent(url: string): void {
  // Without a callback an error would end the process during its drain. `onParentExit` reports a parent that has exited.
  process.send?.({ type: 'listening', url }, undefined, {}, () => undefined);
}
