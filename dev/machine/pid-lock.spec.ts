import { describe, expect, it } from '@jest/globals';
import { judgeLock } from './pid-lock.js';
import type { ProcessTable } from './process-table.js';

function running(processes: Record<number, string>): ProcessTable {
  return { identityOf: (pid) => processes[pid], signal: () => undefined };
}

describe('a lock file', () => {
  const text = JSON.stringify({ pid: 41, identity: 'boot-1/500' });

  it('is held while the process that wrote it runs', () => {
    expect(judgeLock(text, running({ 41: 'boot-1/500' }))).toEqual({ pid: 41, identity: 'boot-1/500' });
  });

  it('is stale once that process is gone', () => {
    expect(judgeLock(text, running({}))).toBe('stale');
  });

  it('is stale when another program has reused the pid', () => {
    expect(judgeLock(text, running({ 41: 'boot-1/900' }))).toBe('stale');
  });

  it('is stale after the machine was restarted, even when the pid is in use', () => {
    expect(judgeLock(text, running({ 41: 'boot-2/500' }))).toBe('stale');
  });

  it.each(['', '{"pid":41', '[]', '{"pid":"41","identity":"x"}', 'null'])(
    'is stale when it can not be read: %j',
    (broken) => {
      expect(judgeLock(broken, running({ 41: 'boot-1/500' }))).toBe('stale');
    },
  );
});
