import { beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { type OperationDocument, createSegments, type Segment } from '#orders/operation/operation.js';
import { samples } from '#service/health/testing/samples.js';
import { exposePublishing, ProgressSaver } from './publishing-job.js';
import { LagCeiling, RateSchedule } from './publish-segment.js';
import { measureTopic } from './orders-topic.js';
import { freeSegment } from './segment-leases.js';

describe('the next segment to claim', () => {
  const now = new Date('2026-06-15T12:00:00Z');
  const inMs = (milliseconds: number): Date => new Date(now.getTime() + milliseconds);
  const done = { isDone: true };
  const held = { lease: { owner: 'another', expiresAt: inMs(5_000) } };
  const crashed = { lease: { owner: 'another', expiresAt: inMs(-1) } };
  /** A rate whose schedule is not known yet, and one with which order 50,000 is due after 5 s. */
  const unscheduled = { ratePerSecond: 10, schedule: null };
  const scheduled = { ratePerSecond: 10_000 };

  it.each<[string, changes: Partial<Segment>[], Partial<OperationDocument>, at: Date, from: number | undefined]>([
    ['is unfinished, without a lease', [done, held], {}, now, 100_000],
    ['may have an expired lease', [done, crashed], {}, now, 50_000],
    ['is none if all are finished or held', [held, held, done, held], {}, now, undefined],
    ['is the first one without a schedule', [], unscheduled, now, 0],
    ['is none without a schedule if the first one is held', [held], unscheduled, now, undefined],
    ['is none more than a second before it is due', [held], scheduled, inMs(3_999), undefined],
    ['is the scheduled one a second before it is due', [held], scheduled, inMs(4_000), 50_000],
  ])('%s', (_, changes, change, at, from) => {
    const segments = createSegments(200_000).map((segment, place) => Object.assign(segment, changes[place]));
    const operation = { segments, ratePerSecond: null, schedule: { at: now, from: 0 }, ...change } as OperationDocument;
    expect(freeSegment(operation, at)?.from).toBe(from);
  });
});

describe('the schedule of a rate', () => {
  it('returns the time until an order is due by the schedule', () => {
    expect(new RateSchedule(1_000, 0).untilDue(500, 100)).toBe(400);
  });

  it('catches up after a stall instead of delaying later orders', () => {
    const rate = new RateSchedule(1_000, 0);
    expect([rate.untilDue(500, 3_000), rate.untilDue(3_500, 3_000)]).toEqual([0, 500]);
  });

  it('counts the orders that are due', () => {
    const rate = new RateSchedule(1_000, 1_000);
    expect([999, 1_000, 1_001, 2_000].map((now) => rate.dueBy(now))).toEqual([0, 1, 2, 1_001]);
  });

  it('never waits without a rate', () => {
    const rate = new RateSchedule(null, 0);
    expect([rate.untilDue(1_000_000, 0), rate.dueBy(0)]).toEqual([0, Number.POSITIVE_INFINITY]);
  });
});

function createCeiling(...lags: (number | Error)[]) {
  const clock = new ManualClock();
  const read = async () => {
    const lag = lags.shift() ?? 0;
    if (lag instanceof Error) throw lag;
    return lag;
  };
  return { clock, lags, ceiling: new LagCeiling(100, read, clock) };
}

describe('the ceiling of the lag', () => {
  it('is reached while the lag is at or above it', async () => {
    const { clock, ceiling } = createCeiling(99, 100, 500, 99);
    const reached: boolean[] = [];
    for (let check = 0; check < 4; check += 1) {
      reached.push(await ceiling.isReached());
      await clock.advance(1_000);
    }
    expect(reached).toEqual([false, true, true, false]);
  });

  it('is compared at most once a second', async () => {
    const { clock, ceiling, lags } = createCeiling(100, 0);
    await ceiling.isReached();
    await clock.advance(999);
    expect([await ceiling.isReached(), lags.length]).toEqual([true, 1]);
    await clock.advance(1);
    expect([await ceiling.isReached(), lags.length]).toEqual([false, 0]);
  });

  it('is not reached when the lag is unknown', async () => {
    expect(await createCeiling(new Error('Kafka is unavailable')).ceiling.isReached()).toBe(false);
  });
});

describe('the saved progress of a segment', () => {
  let clock: ManualClock;
  let stored: { ackedTo: number; chunks: number[] }[];
  /** What the store waits for. */
  let stores: PromiseWithResolvers<void>[];
  let saver: ProgressSaver;

  beforeEach(() => {
    [clock, stored, stores] = [new ManualClock(), [], []];
    saver = new ProgressSaver(async ({ ackedTo }, chunks) => {
      stored.push({ ackedTo, chunks: chunks.map(({ _id }) => _id.from) });
      const store = Promise.withResolvers<void>();
      stores.push(store);
      return store.promise;
    }, clock);
  });

  async function note(from: number): Promise<void> {
    const faults = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };
    const chunk = { _id: { operationId: 'x', from }, to: from + 10, parts: [] };
    return saver.note({ generatedTo: from + 20, ackedTo: from + 10, faults }, chunk);
  }

  it('is stored with all new chunks every 250 ms without blocking publishing', async () => {
    await note(0);
    expect(stored).toEqual([]);
    await clock.advance(250);
    await note(10);
    expect(stored).toEqual([{ ackedTo: 20, chunks: [0, 10] }]);
    await clock.advance(250);
    await note(20);
    expect(stored).toHaveLength(1);
    stores[0]?.resolve();
    await settle();
    await note(30);
    expect(stored[1]).toEqual({ ackedTo: 40, chunks: [20, 30] });
  });

  it('blocks publishing when a store takes a second', async () => {
    await clock.advance(250);
    await note(0);
    await clock.advance(1_000);
    let isNoted = false;
    const noting = note(10).finally(() => (isNoted = true));
    await settle();
    expect(isNoted).toBe(false);
    stores[0]?.resolve();
    await noting;
  });

  it('keeps the chunks of a failed store for the next one, and rethrows its error', async () => {
    await clock.advance(250);
    await note(0);
    await note(10);
    const unavailable = new Error('no primary');
    stores[0]?.reject(unavailable);
    await expect(saver.finish()).rejects.toBe(unavailable);
    expect((await saver.finish()).map(({ _id }) => _id.from)).toEqual([0, 10]);
  });

  it('rethrows the error of an earlier store', async () => {
    await clock.advance(250);
    await note(0);
    const lost = new Error('lease lost');
    stores[0]?.reject(lost);
    await clock.advance(1_000);
    await expect(note(10)).rejects.toBe(lost);
  });

  it('is known with the chunks that are not stored', async () => {
    expect(saver.reached).toBeUndefined();
    await note(0);
    await note(10);
    expect([saver.reached?.ackedTo, (await saver.finish()).length]).toEqual([20, 2]);
  });
});

describe('publishing metrics', () => {
  it('count sent and acknowledged records separately, starting at 0', async () => {
    const registry = new Registry();
    const observer = measureTopic(registry);
    expect(await samples(registry, 'producer_records')).toContain('producer_records_acknowledged_total 0');
    observer.sent?.(1_000);
    observer.sent?.(1_000);
    observer.acknowledged?.(1_000, 25);
    expect(await samples(registry, 'producer_records')).toEqual([
      'producer_records_sent_total 2000',
      'producer_records_acknowledged_total 1000',
    ]);
    expect(await samples(registry, 'producer_acknowledge_duration_seconds_sum')).toEqual([
      'producer_acknowledge_duration_seconds_sum 0.025',
    ]);
  });

  it.each([
    [{ held: 0, waiting: 0 }, 0],
    [{ held: 3, waiting: 0 }, 0],
    [{ held: 3, waiting: 2 }, 1],
  ])('report a producer with segments: %j', async (segmentCounts, waiting) => {
    const registry = new Registry();
    exposePublishing({ segmentCounts }, 5_000, registry);
    expect(await samples(registry)).toEqual([
      `producer_emissions_running ${segmentCounts.held}`,
      `producer_waiting_for_consumers ${waiting}`,
      'producer_lag_ceiling_records 5000',
    ]);
  });
});
