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
  const sent: unknown[] = [];
  const channel = Object.assign(new EventEmitter(), {
    connected,
    send: (message: unknown) => sent.push(message) > 0,
  });
  const comparison = new SupervisedComparison(channel, () => new Date(NOW));
  return { comparison, sent, receive: (message: unknown) => void channel.emit('message', message) };
}

describe('the comparison of the console', () => {
  it('is idle until one is requested', () => {
    const { comparison, sent } = setUp();
    expect(comparison.current).toEqual(IDLE);
    expect(sent).toEqual([]);
  });

  it('is running as soon as it is requested, so that a second request is rejected', () => {
    const { comparison, sent } = setUp();
    expect(comparison.start(REQUEST)).toMatchObject({ state: 'running', orders: 60, startedAt: NOW, ways: [] });
    expect(() => comparison.start(REQUEST)).toThrow(expect.objectContaining({ code: 'comparison-runs' }));
    expect(sent).toEqual([{ type: 'compare', ...REQUEST }]);
  });

  it('is what the supervisor reported last, and can be started again after its end', () => {
    const { comparison, receive } = setUp();
    comparison.start(REQUEST);
    receive({ type: 'comparison', comparison: RUNNING });
    expect(comparison.current).toEqual(RUNNING);
    const done = { ...RUNNING, state: 'done', current: null, finishedAt: NOW };
    receive({ type: 'comparison', comparison: done });
    expect(comparison.current).toEqual(done);
    expect(comparison.start(REQUEST).state).toBe('running');
  });

  it('has failed when its process ended without a report, and keeps what was reported before', () => {
    const { comparison, receive } = setUp();
    comparison.start(REQUEST);
    receive({ type: 'comparison', comparison: RUNNING });
    const error = { code: 'comparison-ended', message: 'SIGKILL' };
    receive({ type: 'comparison-ended', error });
    expect(comparison.current).toEqual({ ...RUNNING, state: 'failed', current: null, finishedAt: NOW, error });
  });

  it('requests the state of a comparison that an earlier process may have started', () => {
    const { comparison, sent } = setUp();
    comparison.onApplicationBootstrap();
    expect(sent).toEqual([{ type: 'tell-comparison' }]);
  });

  it('ignores other messages', () => {
    const { comparison, receive } = setUp();
    for (const message of [
      null,
      'x',
      { type: 'comparison' },
      { type: 'other' },
      { type: 'comparison', comparison: {} },
    ])
      receive(message);
    expect(comparison.current).toEqual(IDLE);
  });

  it('is rejected when no supervisor is connected', () => {
    const { comparison } = setUp(false);
    for (const request of [() => comparison.start(REQUEST), () => comparison.stop()])
      expect(request).toThrow(expect.objectContaining({ code: 'not-compared-here' }));
    expect(comparison.current.state).toBe('idle');
    expect(() => new SupervisedComparison(undefined, () => new Date()).stop()).toThrow('npm run compare');
  });
});
