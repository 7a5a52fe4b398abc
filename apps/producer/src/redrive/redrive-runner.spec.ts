import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { settle } from '@orders-pipeline/clock/testing';
import { WakeUp } from '../background/wake-up.js';
import type { RedriveClaim, RedriveLeases } from './redrive-leases.js';
import { RedriveRunner } from './redrive-runner.js';
import type { RedriveWork } from './redrive-work.js';
import type { RedrivenLetters } from './redriven-letters.js';

const CANCELLED = {
  operation: { _id: 'cancelled', interruption: 'cancel', redriving: { isSelected: true } },
  owner: 'me',
  epoch: 1,
} as unknown as RedriveClaim;

/** Runs up to 50 turns of the event loop until the condition holds. */
async function soon(holds: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < 50 && !holds(); turn += 1) await settle();
  return holds();
}

describe('RedriveRunner', () => {
  beforeAll(() => Logger.overrideLogger(false));

  it('cancels a redrive while judging a paused one hangs, as it does when Kafka hangs', async () => {
    const done: string[] = [];
    const claims: RedriveClaim[] = [];
    const kafka = Promise.withResolvers<void>();
    const leases = {
      claim: async () => claims.shift() ?? null,
      paused: async () => ['paused'],
      renew: async () => 'cancel',
      finish: async ({ operation }: RedriveClaim, status: string) => void done.push(`${operation._id} ${status}`),
    } as unknown as RedriveLeases;
    const letters = {
      counts: async (id: string) => ({ waiting: id === 'paused' ? 1 : 0, unsent: 0, missing: 0 }),
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
    const runner = new RedriveRunner(leases, letters, work, wakeUp);
    runner.onApplicationBootstrap();
    expect(await soon(() => done.includes('paused judged'))).toBe(true);
    claims.push(CANCELLED);
    wakeUp.call();
    expect(await soon(() => done.includes('cancelled cancelled'))).toBe(true);
    expect(done).toEqual(['paused judged', 'cancelled released', 'cancelled cancelled']);
    kafka.resolve();
    await runner.beforeApplicationShutdown();
  });
});
