import { Logger } from '@nestjs/common';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { LeaseLostError } from '../background/lease.js';
import { IntakeOperations, type IntakeLease } from './intake-operations.js';

const SECOND = 1_000;

describe('the operations of the intake', () => {
  let clock: ManualClock;
  let today: string;
  let opened: number;
  let finished: string[];
  let renewals: object[];
  let isLost: boolean;
  let operations: IntakeOperations;

  beforeAll(() => {
    Logger.overrideLogger(false);
  });

  beforeEach(() => {
    [clock, today, opened, finished, renewals, isLost] = [new ManualClock(), '2026-01-31', 0, [], [], false];
    operations = new IntakeOperations({
      open: async () => Promise.resolve(createLease()),
      finish: async ({ operation }) => {
        finished.push(operation._id);
        return Promise.resolve();
      },
      figures: async () => Promise.resolve({ count: 9, acked: 8 }),
      now: () => new Date(`${today}T12:00:00Z`),
      clock,
    });
  });

  async function renew(change: object): Promise<void> {
    if (isLost) throw new LeaseLostError('lost');
    renewals.push(change);
    return Promise.resolve();
  }

  function createLease(): IntakeLease {
    opened += 1;
    return { operation: { _id: `operation-${opened}` }, renew } as unknown as IntakeLease;
  }

  it('belong to a day: the next one closes the last, once its batches are settled', async () => {
    const first = await operations.open();
    expect(await operations.open()).toBe(first);
    first.running += 1;
    today = '2026-02-01';
    const second = await operations.open();
    expect([second.id, first.isOver]).toEqual(['operation-2', true]);
    await clock.advance(10 * SECOND);
    expect(finished).toEqual([]);
    first.running -= 1;
    await clock.advance(SECOND);
    expect(finished).toEqual(['operation-1']);
    expect(await operations.open()).toBe(second);
  });

  it('store their figures with the lease, and count them again after a batch with an unknown outcome', async () => {
    const operation = await operations.open();
    [operation.count, operation.acked] = [5, 4];
    await clock.advance(SECOND);
    operations.untilDone(operation, 'settle', async () => Promise.resolve());
    await clock.advance(SECOND);
    expect(renewals).toEqual([
      { count: 5, acked: 4 },
      { count: 9, acked: 8 },
    ]);
  });

  it('are replaced when another process has taken one over', async () => {
    const operation = await operations.open();
    isLost = true;
    await clock.advance(SECOND);
    expect(operation.isOver).toBe(true);
    expect((await operations.open()).id).toBe('operation-2');
    await settle();
    expect(finished).toEqual(['operation-1']);
  });

  it('stay open until work has succeeded', async () => {
    const operation = await operations.open();
    let failures = 2;
    operations.untilDone(operation, 'settle', async () => {
      failures -= 1;
      return failures < 0 ? Promise.resolve() : Promise.reject(new Error('MongoDB is away'));
    });
    await settle();
    expect(operation.running).toBe(1);
    await clock.advance(2 * SECOND);
    expect(operation.running).toBe(0);
  });

  it('are closed before the process ends, also if a batch is not settled', async () => {
    const operation = await operations.open();
    operation.running += 1;
    await operations.close();
    expect(finished).toEqual(['operation-1']);
    const before = renewals.length;
    await clock.advance(10 * SECOND);
    expect(renewals.length).toBe(before);
  });
});
