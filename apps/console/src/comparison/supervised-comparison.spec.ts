import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { IDLE, type ComparisonResponse } from './comparison-response.js';
import { SupervisedComparison } from './supervised-comparison.js';

const REQUEST = { orders: 60, saveMs: '5..50', full: false };
const NOW = '2026-11-25T12:00:00.000Z';
const RUNNING: ComparisonResponse = {
  ...IDLE,
  state: 'running',
  startedAt: NOW,
  orders: 60,
  seed: 7,
  saveMs: { minimum: 5, maximum: 50 },
  full: false,
  noisy: false,
  current: 'by-key-1',
};

function setUp(connected = true) {
  const asked: unknown[] = [];
  const channel = Object.assign(new EventEmitter(), {
    connected,
    send: (message: unknown) => asked.push(message) > 0,
  });
  const comparison = new SupervisedComparison(channel, () => new Date(NOW));
  return { comparison, asked, tell: (message: unknown) => void channel.emit('message', message) };
}

describe('the comparison of the console', () => {
  it('is idle until one is asked for', () => {
    const { comparison, asked } = setUp();
    expect(comparison.current).toEqual(IDLE);
    expect(asked).toEqual([]);
  });

  it('runs from the moment when it was asked for, so that nobody starts a second one', () => {
    const { comparison, asked } = setUp();
    expect(comparison.start(REQUEST)).toMatchObject({ state: 'running', orders: 60, startedAt: NOW, ways: [] });
    expect(() => comparison.start(REQUEST)).toThrow(expect.objectContaining({ code: 'comparison-runs' }));
    expect(asked).toEqual([{ type: 'compare', ...REQUEST }]);
  });

  it('is what the supervisor told last, and may run again once it has ended', () => {
    const { comparison, tell } = setUp();
    comparison.start(REQUEST);
    tell({ type: 'comparison', comparison: RUNNING });
    expect(comparison.current).toEqual(RUNNING);
    const done = { ...RUNNING, state: 'done', current: null, finishedAt: NOW };
    tell({ type: 'comparison', comparison: done });
    expect(comparison.current).toEqual(done);
    expect(comparison.start(REQUEST).state).toBe('running');
  });

  it('has failed when its process ended without a word, with what was told until then', () => {
    const { comparison, tell } = setUp();
    comparison.start(REQUEST);
    tell({ type: 'comparison', comparison: RUNNING });
    const error = { code: 'comparison-ended', message: 'SIGKILL' };
    tell({ type: 'comparison-ended', error });
    expect(comparison.current).toEqual({ ...RUNNING, state: 'failed', current: null, finishedAt: NOW, error });
  });

  it('asks for one that an earlier process may have begun', () => {
    const { comparison, asked } = setUp();
    comparison.onApplicationBootstrap();
    expect(asked).toEqual([{ type: 'tell-comparison' }]);
  });

  it('does not mind other messages', () => {
    const { comparison, tell } = setUp();
    for (const message of [
      null,
      'x',
      { type: 'comparison' },
      { type: 'other' },
      { type: 'comparison', comparison: {} },
    ])
      tell(message);
    expect(comparison.current).toEqual(IDLE);
  });

  it('is refused where nobody runs it', () => {
    const { comparison } = setUp(false);
    for (const ask of [() => comparison.start(REQUEST), () => comparison.stop()])
      expect(ask).toThrow(expect.objectContaining({ code: 'not-compared-here' }));
    expect(comparison.current.state).toBe('idle');
    expect(() => new SupervisedComparison(undefined, () => new Date()).stop()).toThrow('npm run compare');
  });
});
