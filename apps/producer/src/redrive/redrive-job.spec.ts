import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { settle } from '@orders-pipeline/clock/testing';
import type { Mongo } from '#service/mongodb/mongo.js';
import type { Leases } from '../background/leases.js';
import { WakeUp } from '../background/wake-up.js';
import type { RedriveProgress } from '../operations/redrive-progress.js';
import { RedriveJob } from './redrive-job.js';
import type { RedriveWork } from './redrive-work.js';
import type { RedrivenLetters } from './redriven-letters.js';

const PAUSED = { project: () => ({ toArray: async () => Promise.resolve([{ _id: 'paused' }]) }) };
const MONGO = {
  time: { now: () => new Date() },
  db: { collection: () => ({ find: () => PAUSED }) },
} as unknown as Mongo;

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
    const cancelled = {
      operation: { _id: 'cancelled', interruption: 'cancel', startedAt: new Date() },
      part: { epoch: 1, isSelected: true },
      over: new AbortController().signal,
      renew: async () => Promise.resolve(),
      update: async ({ status }: { status: string }) => void done.push(`cancelled ${status}`),
    };
    const leases = { claim: async () => claims.shift() ?? null } as unknown as Leases;
    const progress = {
      counts: async (id: string) => ({ waiting: id === 'paused' ? 1 : 0, unsent: 0, missing: 0 }),
    } as unknown as RedriveProgress;
    const letters = {
      releaseUnsent: async (id: string) => void done.push(`${id} released`),
    } as unknown as RedrivenLetters;
    const work = {
      createOutcomes: (id: string) => ({
        judge: async () => {
          done.push(`${id} judged`);
          return kafka.promise;
        },
      }),
      follow: async () => undefined,
    } as unknown as RedriveWork;
    const wakeUp = new WakeUp();
    const job = new RedriveJob(MONGO, leases, letters, progress, work, wakeUp);
    job.onApplicationBootstrap();
    expect(await soon(() => done.includes('paused judged'))).toBe(true);
    claims.push(cancelled);
    wakeUp.call();
    expect(await soon(() => done.includes('cancelled cancelled'))).toBe(true);
    expect(done).toEqual(['paused judged', 'cancelled released', 'cancelled cancelled']);
    kafka.resolve();
    await job.beforeApplicationShutdown();
  });
});
