import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { settle } from '@orders-pipeline/clock/testing';
import { ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { WakeUp } from '../background/leased-job.js';
import type { Leases } from '../background/operation-leases.js';
import { SendGate } from '../publishing/send-gate.js';
import type { RedriveProgress } from '../operations/order-outcomes.js';
import { RedriveJob, RedriveOutcomes, redrivePartition, type RedriveWork } from './redrive-job.js';
import type { RedrivenLetters } from './redriven-letters.js';

/** Runs up to 50 turns of the event loop until the condition holds. */
async function soon(holds: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < 50 && !holds(); turn += 1) await settle();
  return holds();
}

describe('RedriveJob', () => {
  beforeAll(() => Logger.overrideLogger(false));

  it('cancels a redrive while judging a paused one hangs, as it does when Kafka hangs', async () => {
    const done: string[] = [];
    const claims: object[] = [];
    const kafka = Promise.withResolvers<void>();
    const paused = { project: () => ({ toArray: async () => [{ _id: 'paused' }] }) };
    const mongo = { time: { now: () => new Date() }, db: { collection: () => ({ find: () => paused }) } };
    const leases = { claim: async () => claims.shift() ?? null };
    const letters = { releaseUnsent: async (id: string) => void done.push(`${id} released`) };
    const progress = { counts: async (id: string) => ({ waiting: id === 'paused' ? 1 : 0, unsent: 0, missing: 0 }) };
    const judge = async (id: string): Promise<void> => {
      done.push(`${id} judged`);
      return kafka.promise;
    };
    const work = {
      createOutcomes: (id: string) => ({ judge: async () => judge(id) }),
      follow: async () => undefined,
    };
    const wakeUp = new WakeUp();
    const job = new RedriveJob(
      mongo as unknown as Mongo,
      leases as unknown as Leases,
      letters as unknown as RedrivenLetters,
      progress as unknown as RedriveProgress,
      work as unknown as RedriveWork,
      wakeUp,
    );
    job.onApplicationBootstrap();
    expect(await soon(() => done.includes('paused judged'))).toBe(true);
    claims.push({
      operation: { _id: 'cancelled', interruption: 'cancel', startedAt: new Date() },
      part: { epoch: 1, isSelected: true },
      over: new AbortController().signal,
      renew: async () => undefined,
      update: async ({ status }: { status: string }) => void done.push(`cancelled ${status}`),
    });
    wakeUp.call();
    expect(await soon(() => done.includes('cancelled cancelled'))).toBe(true);
    expect(done).toEqual(['paused judged', 'cancelled released', 'cancelled cancelled']);
    kafka.resolve();
    await job.beforeApplicationShutdown();
  });
});

describe('RedriveOutcomes', () => {
  let kafka: { saved: number; letterEnd: number; projected: number };
  let judged: number[];
  let outcomes: RedriveOutcomes;

  beforeEach(() => {
    [kafka, judged] = [{ saved: 100, letterEnd: 50, projected: 50 }, []];
    const positions = {
      ends: async () => new Map([[0, kafka.letterEnd]]),
      committed: async (group: string) =>
        new Map([[0, group === ORDERS_CONSUMER_GROUP ? kafka.saved : kafka.projected]]),
    };
    const judge = async (_id: string, _partition: number, committed: number) => void judged.push(committed);
    outcomes = new RedriveOutcomes('x', { judge }, positions);
  });

  it('judges by the committed offsets once all earlier dead letters are projected', async () => {
    kafka.projected = 49;
    await outcomes.judge();
    expect(judged).toEqual([]);
    kafka.projected = 50;
    await outcomes.judge();
    expect(judged).toEqual([100]);
  });

  it('judges while new dead letters keep arriving, by the committed offsets of an earlier moment', async () => {
    for (let turn = 0; turn < 6; turn += 1) {
      kafka.letterEnd += 100;
      kafka.saved += 10;
      await outcomes.judge();
      // The projection is always behind the current end, and always past the end of the previous turn.
      kafka.projected = kafka.letterEnd;
      kafka.letterEnd += 50;
    }
    expect(judged.length).toBeGreaterThan(1);
    expect(judged.every((committed) => committed < kafka.saved)).toBe(true);
  });
});

describe('the partition of a redriven record', () => {
  const gate = new SendGate(64);
  const earlier = [{ partitions: 3, ends: [10, 20, 30], until: new Date(0) }];
  const key = Buffer.from('account-7');
  const ofKey = gate.partitionOf('account-7');

  it.each<[string, partition: number, offset: number, Buffer | null, typeof earlier, number]>([
    ['is the original one if the topic never changed', 1, 7, key, [], 1],
    ['is the original one behind the last expansion', 1, 20, key, earlier, 1],
    ['is the original one if another client chose it', 40, 0, key, earlier, 40],
    ['is that of its key if the topic has got more partitions since', 1, 19, key, earlier, ofKey],
    ['stays without a key', 1, 19, null, earlier, 1],
  ])('%s', (_, partition, offset, keyOrNone, counts, expected) => {
    expect(redrivePartition({ partition, offset }, keyOrNone, counts, gate)).toBe(expected);
    expect(ofKey).not.toBe(1);
  });
});
