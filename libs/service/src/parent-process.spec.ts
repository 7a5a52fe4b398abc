import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { onParentExit } from './parent-process.js';

/** @param connected whether it has a channel that is open; undefined: it has none */
function aProcess(connected: boolean | undefined): EventEmitter & { connected: boolean | undefined } {
  return Object.assign(new EventEmitter(), { connected });
}

describe('an app whose keeper', () => {
  it('goes is told so, once', () => {
    const kept = aProcess(true);
    let told = 0;
    onParentExit(() => (told += 1), kept);
    expect(told).toBe(0);
    kept.emit('disconnect');
    kept.emit('disconnect');
    expect(told).toBe(1);
  });

  it('went while the app was being loaded is told so, too', () => {
    let told = 0;
    onParentExit(() => (told += 1), aProcess(false));
    expect(told).toBe(1);
  });

  it('never was, as it was started without a channel, is not told anything', () => {
    let told = 0;
    onParentExit(() => (told += 1), aProcess(undefined));
    expect(told).toBe(0);
  });
});
