import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { ScalingTarget } from '../scaling/scaling-target.js';
import type { ConsumerState } from './consumer-state.js';
import type { WatchedConsumer } from './consumer-watch.js';
import { PipelineEvents } from './pipeline.controller.js';
import { SingleFlight } from './pipeline-snapshots.js';
import type { PipelineResponse } from './pipeline-response.js';
import { PipelineWatch } from './pipeline-watch.js';

/** A pipeline without consumers to which 100 records are produced between two snapshots. */
class WatchedPipeline {
  readonly clock = new ManualClock();
  readonly target = new ScalingTarget(this.clock);
  taken = 0;
  takesMs = 0;
  isIdle = false;
  isKafkaAway = false;
  readonly watch = new PipelineWatch(async () => this.snapshot(), this.target, this.clock);
  readonly running = this.watch.run();
  readonly events = new PipelineEvents(this.watch);

  /** The number of snapshots during some seconds. */
  async takenWithin(seconds: number): Promise<number> {
    const before = this.taken;
    await this.clock.advance(1_000 * seconds);
    return this.taken - before;
  }

  private async snapshot() {
    this.taken += 1;
    const ends = new Map([[0, this.isIdle ? 100 : 100 * this.taken]]);
    const at = this.clock.now();
    if (this.takesMs > 0) await new Promise<void>((resolve) => void this.clock.after(this.takesMs, resolve));
    const committed = this.isIdle ? ends : new Map([[0, 0]]);
    return { at, ends: this.isKafkaAway ? null : ends, committed, consumers: [], deadLetters: 0 };
  }
}

/** The produced records that an event reports. */
function endOf({ value }: IteratorResult<string, unknown>): number | null | undefined {
  const [, data = ''] = /^event: pipeline\ndata: (.*)\n\n$/.exec(String(value)) ?? [];
  return (JSON.parse(data) as PipelineResponse).partitions?.[0]?.endOffset;
}

function consumers(...states: ConsumerState[]): WatchedConsumer[] {
  return states.map((state) => ({ state }) as WatchedConsumer);
}

describe('watching the pipeline', () => {
  it('takes a snapshot each second, also without a client', async () => {
    expect(await new WatchedPipeline().takenWithin(60)).toBe(60);
  });

  it('returns rates from the first answer on', async () => {
    const { watch, clock } = new WatchedPipeline();
    const first = watch.now();
    await clock.advance(1_000);
    expect((await first).producedPerSecond).toBe(100);
  });

  it('returns how many consumers there should be, and how many requests it knows', async () => {
    const { watch, target, clock } = new WatchedPipeline();
    await clock.advance(2_000);
    expect(await watch.now()).toMatchObject({ configuredConsumers: 0, scalingRequests: 0, scaling: null });
    target.request(3);
    await clock.advance(1_000);
    expect(await watch.now()).toMatchObject({ configuredConsumers: 3, scalingRequests: 1, scaling: { count: 3 } });
  });

  it('still knows the number of partitions when Kafka does not answer', async () => {
    const pipeline = new WatchedPipeline();
    const { watch, clock } = pipeline;
    expect(watch.partitionCount).toBeNull();
    await clock.advance(2_000);
    expect(watch.partitionCount).toBe(1);
    pipeline.isKafkaAway = true;
    await clock.advance(2_000);
    expect((await watch.now()).partitions).toBeNull();
    expect(watch.partitionCount).toBe(1);
  });

  it('takes one snapshot for all clients', async () => {
    const pipeline = new WatchedPipeline();
    const { watch, clock } = pipeline;
    const answers = [watch.following(), watch.following(), watch.now()];
    await clock.advance(1_000);
    const [a, b, c] = await Promise.all(answers);
    expect([a === b, b === c, pipeline.taken]).toEqual([true, true, 2]);
    expect(await watch.now()).toBe(a);
  });

  it('records each second once, also when snapshots are late', async () => {
    const pipeline = new WatchedPipeline();
    await pipeline.clock.advance(5_000);
    pipeline.takesMs = 700;
    await pipeline.clock.advance(20_700);
    const [fine] = pipeline.watch.recorded();
    expect(fine).toMatchObject({ from: 1 });
    expect(fine?.produced).toHaveLength(25);
    expect(fine?.produced).not.toContain(null);
    expect(fine?.consumers).toEqual(Array.from({ length: 25 }, () => 0));
  });

  it('takes fewer snapshots of an idle pipeline without a client, and records each second nevertheless', async () => {
    const pipeline = new WatchedPipeline();
    pipeline.isIdle = true;
    await pipeline.clock.advance(12_000);
    expect(await pipeline.takenWithin(40)).toBe(10);
    pipeline.isIdle = false;
    await pipeline.clock.advance(8_000);
    const [fine] = pipeline.watch.recorded();
    expect(fine?.lag).not.toContain(null);
    expect(fine?.lag.filter((lag) => lag === 0).length).toBeGreaterThanOrEqual(50);
    expect(fine?.lag.at(-1)).toBeGreaterThan(0);
  });

  it('takes a snapshot each second of an idle pipeline for a client, and returns no old figures', async () => {
    const pipeline = new WatchedPipeline();
    const { watch, clock } = pipeline;
    pipeline.isIdle = true;
    await clock.advance(42_500);
    const { from = 0, saved = [] } = watch.recorded()[0] ?? {};
    expect(from + saved.length).toBe(43);
    const first = watch.now();
    await clock.advance(1_000);
    expect((await first).at).toBe(new Date(43_000).toISOString());
    expect(await pipeline.takenWithin(5)).toBe(5);
  });

  it('ends when it is stopped, and releases clients that wait', async () => {
    const { watch, clock, running } = new WatchedPipeline();
    await clock.advance(3_000);
    const waiting = watch.following();
    watch.stop();
    expect(await waiting).toBe(await watch.now());
    await clock.advance(1_000);
    await running;
  });
});

describe('the events of the pipeline', () => {
  it('come once a second', async () => {
    const { clock, events } = new WatchedPipeline();
    await clock.advance(1_000);
    const stream = events.each();
    expect(endOf(await stream.next())).toBe(200);
    const following = stream.next();
    await clock.advance(1_000);
    expect(endOf(await following)).toBe(300);
  });

  it('are skipped for a client that reads slowly, which then gets the newest but one at most', async () => {
    const { clock, events } = new WatchedPipeline();
    await clock.advance(1_000);
    const stream = events.each();
    await stream.next();
    await clock.advance(600_000);
    const following = stream.next();
    await clock.advance(1_000);
    expect(endOf(await following)).toBe(60_300);
  });

  it('are the same text for all clients', async () => {
    const { clock, events } = new WatchedPipeline();
    await clock.advance(1_000);
    const [one, other] = await Promise.all([events.each().next(), events.each().next()]);
    expect(one.value).toBe(other.value);
  });

  it('end when the console stops', async () => {
    const { clock, watch, events } = new WatchedPipeline();
    await clock.advance(1_000);
    const stream = events.each();
    await stream.next();
    const end = stream.next();
    events.stop();
    watch.stop();
    expect(await end).toEqual({ done: true, value: undefined });
  });
});

describe('single flight', () => {
  it('returns the result, or null after the timeout or an error', async () => {
    const clock = new ManualClock();
    expect(await new SingleFlight(async () => 5, clock, 900).result()).toBe(5);
    const refused = new SingleFlight(async () => Promise.reject(new Error('unavailable')), clock, 900);
    expect(await refused.result()).toBeNull();
    const silent = new SingleFlight(async () => Promise.withResolvers<number>().promise, clock, 900).result();
    await clock.advance(900);
    expect(await silent).toBeNull();
  });

  it('sends no request while another one is pending', async () => {
    const clock = new ManualClock();
    const answers = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
    let sent = 0;
    const flight = new SingleFlight(async () => answers[(sent += 1) - 1]?.promise ?? 0, clock, 900);
    const first = flight.result();
    await clock.advance(900);
    expect([await first, await flight.result(), sent]).toEqual([null, null, 1]);
    answers[0]?.resolve(1);
    await settle();
    const again = flight.result();
    answers[1]?.resolve(2);
    expect(await again).toBe(2);
  });
});

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
    for (const others of [['ready', 'ready'] as const, ['draining', 'draining'] as const]) {
      target.observe(consumers('ready', ...others));
      expect(target.pending).toMatchObject({ count: 1 });
    }
    target.observe(consumers('ready'));
    expect(target.pending).toBeNull();
  });
});
