import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { ScalingTarget } from '../scaling/scaling-target.js';
import { PipelineEvents } from './pipeline-events.js';
import type { PipelineResponse } from './pipeline-response.js';
import { PipelineWatch } from './pipeline-watch.js';

function setUp() {
  const clock = new ManualClock();
  const takeSnapshot = async () => ({
    at: clock.now(),
    ends: new Map([[0, clock.now()]]),
    committed: new Map([[0, 0]]),
    consumers: [],
    deadLetters: 0,
  });
  const watch = new PipelineWatch(takeSnapshot, new ScalingTarget(clock), clock);
  void watch.run();
  return { clock, watch, events: new PipelineEvents(watch) };
}

function lagOf({ value }: IteratorResult<string, unknown>): number | null {
  const [, data = ''] = /^event: pipeline\ndata: (.*)\n\n$/.exec(String(value)) ?? [];
  return (JSON.parse(data) as PipelineResponse).lagRecords;
}

describe('the events of the pipeline', () => {
  it('come once a second', async () => {
    const { clock, events } = setUp();
    await clock.advance(1_000);
    const stream = events.each();
    expect(lagOf(await stream.next())).toBe(1_000);
    const following = stream.next();
    await clock.advance(1_000);
    expect(lagOf(await following)).toBe(2_000);
  });

  it('are skipped for a client that reads slowly, which then gets the newest but one at most', async () => {
    const { clock, events } = setUp();
    await clock.advance(1_000);
    const stream = events.each();
    await stream.next();
    await clock.advance(600_000);
    const following = stream.next();
    await clock.advance(1_000);
    expect(lagOf(await following)).toBe(602_000);
  });

  it('are the same text for all clients', async () => {
    const { clock, events } = setUp();
    await clock.advance(1_000);
    const [one, other] = await Promise.all([events.each().next(), events.each().next()]);
    expect(one.value).toBe(other.value);
  });

  it('end when the console stops', async () => {
    const { clock, watch, events } = setUp();
    await clock.advance(1_000);
    const stream = events.each();
    await stream.next();
    const end = stream.next();
    events.stop();
    watch.stop();
    expect(await end).toEqual({ done: true, value: undefined });
  });
});
