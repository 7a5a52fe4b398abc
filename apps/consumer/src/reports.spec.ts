import { describe, expect, it } from '@jest/globals';
import { UUID } from 'mongodb';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';
import type { ArchivedList } from '#orders/archive/archived-ranges.js';
import type { ReportedState } from '#orders/consumer/consumers.js';
import type { SavedReport } from '#orders/operation/saved-count.js';
import type { OrderDocument } from '#orders/order/order-document.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import type { InsertResult } from './bulk-insert.js';
import { Heartbeat, MachineLoad, toReportedPartition, toReportedState } from './heartbeat.js';
import { formatProgress, type ConsumerEngine, ProgressMeter, RebalanceCounter } from './consumer-engine.js';
import { SavedReports } from './saved-reports.js';

/** Starts and ends the heartbeat of a consumer whose database gives this response to every call. Returns the calls. */
async function beginAndEnd(response: Promise<unknown>): Promise<string[]> {
  const calls: string[] = [];
  const record = (call: string) => async (): Promise<unknown> => {
    calls.push(call);
    return response;
  };
  const collection = { findOne: record('poll'), updateOne: record('write'), deleteOne: record('remove') };
  const mongo = { db: { collection: () => collection } } as unknown as Mongo;
  const archived = { refresh: record('poll archived') } as unknown as ArchivedList;
  const consumer = { status: { partitions: [] } } as unknown as ConsumerEngine;
  const reports = { flush: async () => undefined } as unknown as SavedReports;
  const heartbeat = new Heartbeat(mongo, consumer, new RebalanceCounter(), reports, archived);
  heartbeat.onApplicationBootstrap();
  await heartbeat.onApplicationShutdown();
  return calls;
}

describe('the heartbeat of a partition', () => {
  const partition = { partition: 3, committable: 5, lag: 7, lagSeconds: 2.5 };

  it('names the oldest record that blocks its commit', () => {
    const oldestRecord = { offset: 5, key: 'acc-1', ageMs: 61_500, attempt: 4 };
    expect(toReportedPartition({ ...partition, oldestRecord })).toEqual({
      partition: 3,
      committable: 5,
      lagRecords: 7,
      lagSeconds: 2.5,
      oldest: { offset: 5, accountId: 'acc-1', takenSeconds: 61.5, attempt: 4 },
    });
  });

  it('has none if the consumer took none, and no key that can be no account', () => {
    expect(toReportedPartition({ ...partition, oldestRecord: undefined }).oldest).toBeNull();
    const foreign = { offset: 5, key: 'x'.repeat(65), ageMs: 0, attempt: 1 };
    expect(toReportedPartition({ ...partition, oldestRecord: foreign }).oldest?.accountId).toBeNull();
  });
});

describe('the heartbeat of a consumer that shuts down', () => {
  it.each([
    ['is removed after the last one was written', Promise.resolve(), ['poll', 'poll archived', 'write', 'remove']],
    ['does not wait for a database that does not respond', new Promise(() => undefined), ['poll']],
  ])('%s', async (_, response, calls) => {
    expect(await beginAndEnd(response)).toEqual(calls);
  });
});

const core = (user: number, idle: number) => ({ times: { user, sys: 0, nice: 0, irq: 0, idle } });

describe('MachineLoad', () => {
  it('returns the load of all cores since the previous call', () => {
    const readings = [
      [core(100, 100), core(0, 500)],
      [core(200, 100), core(0, 600)],
      [core(200, 200), core(0, 700)],
      [core(200, 200), core(0, 700)],
    ];
    const load = new MachineLoad(() => readings.shift() ?? []);
    expect([load.sinceBefore(), load.sinceBefore(), load.sinceBefore()]).toEqual([0.5, 0, 0]);
  });
});

describe('the progress line', () => {
  it('reports the orders that are processed and that wait, and the rate since the last line', () => {
    const meter = new ProgressMeter(0);
    const first = { processed: 5_000, waiting: 15_000, savedPerSecond: 1_000 };
    expect(meter.next({ finished: 5_000, unfinished: 15_000 }, 5_000)).toEqual(first);
    expect(meter.next({ finished: 15_000, unfinished: 5_000 }, 10_000)?.savedPerSecond).toBe(2_000);
  });

  it('is omitted while nothing is processed', () => {
    expect(new ProgressMeter(0).next({ finished: 0, unfinished: 100 }, 5_000)).toBeUndefined();
  });

  it.each([
    [21_021, 228_378, 994, '21,021 orders processed, 994/s, at least 228,378 to save'],
    [100_000, 0, 6_000, '100,000 orders processed, 6,000/s, none waits'],
  ])('with %d processed, %d waiting and %d/s is a sentence', (processed, waiting, savedPerSecond, text) => {
    expect(formatProgress({ processed, waiting, savedPerSecond })).toBe(text);
  });
});

describe('the reported state of a consumer', () => {
  const partitions = [{ partition: 0 }] as unknown as ParallelConsumerStatus['partitions'];

  it.each<[ReportedState, Partial<ParallelConsumerStatus>]>([
    ['ready', {}],
    ['idle', { partitions: [] }],
    ['starting', { state: 'starting', joined: false, ready: false }],
    ['draining', { state: 'draining', ready: false }],
    ['draining', { state: 'stopped', joined: false, ready: false }],
    ['rebalancing', { joined: false, ready: false }],
    ['waiting', { ready: false }],
    ['waiting', { state: 'failed', joined: false, ready: false }],
  ])('is `%s` for %j', (state, others) => {
    expect(toReportedState({ state: 'running', joined: true, ready: true, partitions, ...others })).toBe(state);
  });
});

/** Creates reports, and an insert that takes operation ids with their results. @param failures how many of the first reports fail */
function reporting(failures = 0) {
  const clock = new ManualClock();
  const sent: Record<string, number>[] = [];
  const send = async (report: SavedReport): Promise<void> => {
    sent.push(Object.fromEntries(report));
    if (sent.length <= failures) throw new Error('connection closed');
  };
  const reports = new SavedReports(send, clock);
  const insert = async (...orders: readonly (readonly [UUID | null, InsertResult['kind']])[]): Promise<void> => {
    const results = orders.map(([, kind]): InsertResult => ({ kind, reason: '' }));
    const documents = orders.map(([operationId]) => ({ ingest: { operationId } }) as OrderDocument);
    await reports.reporting(async () => results)(documents);
  };
  return { clock, reports, sent, insert };
}

describe('the reports of saved orders', () => {
  const A = new UUID('01935c9e-8a00-7000-8000-00000000000a');
  const B = new UUID('01935c9e-8a00-7000-8000-00000000000b');

  it('sum up the saved orders of each operation, and are sent together twice a second', async () => {
    const { clock, sent, insert } = reporting();
    await insert([A, 'saved'], [A, 'saved'], [B, 'saved'], [null, 'saved']);
    await insert([A, 'saved']);
    await clock.advance(499);
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent).toEqual([{ [A.toHexString()]: 3, [B.toHexString()]: 1 }]);
    await clock.advance(5_000);
    expect(sent).toHaveLength(1);
  });

  it('contain only orders that this insert saved', async () => {
    const { clock, sent, insert } = reporting();
    await insert([A, 'repeated'], [A, 'saved'], [A, 'conflict'], [B, 'refused']);
    await clock.advance(500);
    expect(sent).toEqual([{ [A.toHexString()]: 1 }]);
  });

  it('are dropped if their outcome is unknown, since a retry could count them twice', async () => {
    const { clock, sent, insert } = reporting(1);
    await insert([A, 'saved']);
    await clock.advance(500);
    await insert([A, 'saved'], [A, 'saved']);
    await clock.advance(500);
    expect(sent).toEqual([{ [A.toHexString()]: 1 }, { [A.toHexString()]: 2 }]);
  });

  it('are sent at once when the consumer shuts down', async () => {
    const { clock, reports, sent, insert } = reporting();
    await insert([A, 'saved']);
    await reports.flush();
    await clock.advance(1_000);
    expect(sent).toEqual([{ [A.toHexString()]: 1 }]);
  });
});
