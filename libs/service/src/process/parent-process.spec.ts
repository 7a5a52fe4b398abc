import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { onParentExit } from './parent-process.js';

/** @param connected whether the IPC channel is open; `undefined` means that there is none */
function fakeProcess(connected: boolean | undefined): EventEmitter & { connected: boolean | undefined } {
  return Object.assign(new EventEmitter(), { connected });
}

describe('onParentExit', () => {
  it('calls the listener once when the parent exits', () => {
    const child = fakeProcess(true);
    let calls = 0;
    onParentExit(() => (calls += 1), child);
    expect(calls).toBe(0);
    child.emit('disconnect');
    child.emit('disconnect');
    expect(calls).toBe(1);
  });

  it('calls the listener at once if the parent exited while the app was loading', () => {
    let calls = 0;
    onParentExit(() => (calls += 1), fakeProcess(false));
    expect(calls).toBe(1);
  });

  it('does not call the listener in a process without an IPC channel', () => {
    let calls = 0;
    onParentExit(() => (calls += 1), fakeProcess(undefined));
    expect(calls).toBe(0);
  });
});
