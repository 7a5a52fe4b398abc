import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { ConsumerState } from '../consumers/consumer-state.js';
import type { WatchedConsumer } from '../consumers/consumer-watch.js';
import { ScalingTarget } from './scaling-target.js';

function consumers(...states: ConsumerState[]): WatchedConsumer[] {
  return states.map((state) => ({ state }) as WatchedConsumer);
}

describe('the requested number of consumers', () => {
  it('is pending until exactly that many consumers run', async () => {
    const clock = new ManualClock();
    const target = new ScalingTarget(clock);
    expect(target.pending).toBeNull();
    target.request(3);
    await clock.advance(2_000);
    target.observe(consumers('ready', 'ready', 'starting'));
    target.observe(null);
    expect(target.pending).toEqual({ count: 3, secondsAgo: 2 });
    target.observe(consumers('ready', 'rebalancing', 'idle', 'dead'));
    expect(target.pending).toBeNull();
  });

  it('is that of the last of two requests', () => {
    const target = new ScalingTarget(new ManualClock());
    expect([target.requests, target.request(3), target.request(1), target.requests]).toEqual([0, 1, 2, 2]);
    target.observe(consumers('ready', 'ready', 'ready'));
    expect(target.pending).toMatchObject({ count: 1 });
    target.observe(consumers('ready', 'draining', 'draining'));
    expect(target.pending).toMatchObject({ count: 1 });
    target.observe(consumers('ready'));
    expect(target.pending).toBeNull();
  });
});
