import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { ScalingTarget } from '../scaling/scaling-target.js';
import type { PipelineSnapshot } from './pipeline-snapshots.js';
import { PipelineWatch } from './pipeline-watch.js';

function setUp() {
  const clock = new ManualClock();
  let taken = 0;
  let takesMs = 0;
  let isIdle = false;
  let isKnown = true;
  const target = new ScalingTarget(clock);
  const watch = new PipelineWatch(
    async (): Promise<PipelineSnapshot> => {
      taken += 1;
      const ends = new Map([[0, isIdle ? 100 : 100 * taken]]);
      const at = clock.now();
      if (takesMs > 0) await new Promise<void>((resolve) => void clock.after(takesMs, resolve));
      const committed = isIdle ? ends : new Map([[0, 0]]);
      return { at, ends: isKnown ? ends : null, committed, consumers: [], deadLetters: 0 };
    },
    target,
    clock,
  );
  const running = watch.run();
  const delay = (milliseconds: number): void => void (takesMs = milliseconds);
  const rest = (): void => void (isIdle = true);
  const work = (): void => void (isIdle = false);
  const loseKafka = (): void => void (isKnown = false);
  return { watch, target, clock, running, delay, rest, work, loseKafka, taken: () => taken };
}

describe('watching the pipeline', () => {
  it('takes a snapshot each second, also without a client', async () => {
    const { clock, taken } = setUp();
    await clock.advance(60_000);
    expect(taken()).toBe(61);
  });

  it('returns rates from the first answer on', async () => {
    const { watch, clock } = setUp();
    const first = watch.now();
    await clock.advance(1_000);
    expect((await first).producedPerSecond).toBe(100);
  });

  it('returns how many consumers there should be, and how many requests it knows', async () => {
    const { watch, target, clock } = setUp();
    await clock.advance(2_000);
    expect(await watch.now()).toMatchObject({ configuredConsumers: 0, scalingRequests: 0, scaling: null });
    target.request(3);
    await clock.advance(1_000);
    expect(await watch.now()).toMatchObject({ configuredConsumers: 3, scalingRequests: 1, scaling: { count: 3 } });
  });

  it('still knows the number of partitions when Kafka does not answer', async () => {
    const { watch, clock, loseKafka } = setUp();
    expect(watch.partitionCount).toBeNull();
    await clock.advance(2_000);
    expect(watch.partitionCount).toBe(1);
    loseKafka();
    await clock.advance(2_000);
    expect((await watch.now()).partitions).toBeNull();
    expect(watch.partitionCount).toBe(1);
  });

  it('takes one snapshot for all clients', async () => {
    const { watch, clock, taken } = setUp();
    const answers = [watch.following(), watch.following(), watch.now()];
    await clock.advance(1_000);
    const [a, b, c] = await Promise.all(answers);
    expect([a === b, b === c, taken()]).toEqual([true, true, 2]);
    expect(await watch.now()).toBe(a);
  });

  it('records each second once, also when snapshots are late', async () => {
    const { watch, clock, delay } = setUp();
    await clock.advance(5_000);
    delay(700);
    await clock.advance(20_700);
    const [fine] = watch.recorded();
    expect(fine).toMatchObject({ from: 1 });
    expect(fine?.produced).toHaveLength(25);
    expect(fine?.produced).not.toContain(null);
    expect(fine?.consumers).toEqual(Array.from({ length: 25 }, () => 0));
  });

  it('takes fewer snapshots of an idle pipeline without a client, and records each second nevertheless', async () => {
    const { watch, clock, rest, work, taken } = setUp();
    rest();
    await clock.advance(12_000);
    const before = taken();
    await clock.advance(40_000);
    expect(taken() - before).toBe(10);
    work();
    await clock.advance(8_000);
    const [fine] = watch.recorded();
    expect(fine?.lag).not.toContain(null);
    expect(fine?.lag.filter((lag) => lag === 0).length).toBeGreaterThanOrEqual(50);
    expect(fine?.lag.at(-1)).toBeGreaterThan(0);
  });

  it('takes a snapshot each second of an idle pipeline for a client, and returns no old figures', async () => {
    const { watch, clock, rest, taken } = setUp();
    rest();
    await clock.advance(42_500);
    const { from = 0, saved = [] } = watch.recorded()[0] ?? {};
    expect(from + saved.length).toBe(43);
    const first = watch.now();
    await clock.advance(1_000);
    expect((await first).at).toBe(new Date(43_000).toISOString());
    const before = taken();
    await clock.advance(5_000);
    expect(taken() - before).toBe(5);
  });

  it('ends when it is stopped, and releases clients that wait', async () => {
    const { watch, clock, running } = setUp();
    await clock.advance(3_000);
    const waiting = watch.following();
    watch.stop();
    expect(await waiting).toBe(await watch.now());
    await clock.advance(1_000);
    await running;
  });
});
