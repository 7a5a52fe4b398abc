import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { LeaseLostError } from '../background/operation-leases.js';
import { Acknowledgements, PAUSE_MS } from './batch-sender.js';
import { type IntakeLease, IntakeOperations } from './intake-operations.js';

describe('the operations of the intake', () => {
  let clock: ManualClock;
  let today: string;
  let opened: number;
  let finished: string[];
  let renewals: object[];
  let isLost: boolean;
  let operations: IntakeOperations;

  beforeAll(() => Logger.overrideLogger(false));

  beforeEach(() => {
    [clock, today, opened, finished, renewals, isLost] = [new ManualClock(), '2026-01-31', 0, [], [], false];
    operations = new IntakeOperations({
      open: async () => {
        opened += 1;
        return { operation: { _id: `operation-${opened}` }, renew } as unknown as IntakeLease;
      },
      finish: async ({ operation }) => void finished.push(operation._id),
      figures: async () => ({ count: 9, acked: 8 }),
      now: () => new Date(`${today}T12:00:00Z`),
      clock,
    });
  });

  async function renew(change: object): Promise<void> {
    if (isLost) throw new LeaseLostError('lost');
    renewals.push(change);
  }

  it('belong to a day: the next one closes the last, once its batches are settled', async () => {
    const first = await operations.open();
    expect(await operations.open()).toBe(first);
    first.running += 1;
    today = '2026-02-01';
    const second = await operations.open();
    expect([second.id, first.isOver]).toEqual(['operation-2', true]);
    await clock.advance(10_000);
    expect(finished).toEqual([]);
    first.running -= 1;
    await clock.advance(1_000);
    expect(finished).toEqual(['operation-1']);
    expect(await operations.open()).toBe(second);
  });

  it('store their figures with the lease, and count them again after a batch with an unknown outcome', async () => {
    const operation = await operations.open();
    [operation.count, operation.acked] = [5, 4];
    await clock.advance(1_000);
    operations.untilDone(operation, 'settle', async () => undefined);
    await clock.advance(1_000);
    expect(renewals).toEqual([
      { count: 5, acked: 4 },
      { count: 9, acked: 8 },
    ]);
  });

  it('are replaced when another process has taken one over', async () => {
    const operation = await operations.open();
    isLost = true;
    await clock.advance(1_000);
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
      if (failures >= 0) throw new Error('MongoDB is unavailable');
    });
    await settle();
    expect(operation.running).toBe(1);
    await clock.advance(2_000);
    expect(operation.running).toBe(0);
  });

  it('are closed before the process ends, also if a batch is not settled', async () => {
    const operation = await operations.open();
    operation.running += 1;
    await operations.close();
    expect(finished).toEqual(['operation-1']);
    const before = renewals.length;
    await clock.advance(10_000);
    expect(renewals.length).toBe(before);
  });
});

async function isAway(): Promise<void> {
  throw new Error('MongoDB is unavailable');
}

describe('the marks of acknowledged batches', () => {
  let clock: ManualClock;
  let writes: number[][];
  let errors: unknown[];
  /** What a write waits for, or fails with. */
  let outcome: () => Promise<void>;
  let acknowledgements: Acknowledgements;

  beforeEach(() => {
    [clock, writes, errors, outcome] = [new ManualClock(), [], [], async () => undefined];
    const acknowledge = async (batches: readonly { readonly first: number }[]): Promise<void> => {
      await outcome();
      writes.push(batches.map(({ first }) => first));
    };
    acknowledgements = new Acknowledgements({ acknowledge }, clock, (error) => errors.push(error));
  });

  async function add(...batches: number[]): Promise<void> {
    for (const first of batches) acknowledgements.add({ first, parts: [] });
    await settle();
  }

  it('are written one after another with pauses, each with all that came meanwhile', async () => {
    const slow = Promise.withResolvers<void>();
    outcome = async () => slow.promise;
    await add(1, 2, 3);
    expect(writes).toEqual([]);
    slow.resolve();
    await clock.advance(PAUSE_MS - 1);
    expect(writes).toEqual([[1]]);
    await clock.advance(1);
    expect(writes).toEqual([[1], [2, 3]]);
  });

  it('are written again after a failure, until they are given up', async () => {
    outcome = isAway;
    await add(1);
    await add(2);
    outcome = async () => undefined;
    await clock.advance(1_000);
    expect([writes, errors.length]).toEqual([[[1, 2]], 1]);
    outcome = isAway;
    acknowledgements.close();
    await add(3);
    await acknowledgements.flush();
    expect([writes.length, errors.length]).toEqual([1, 2]);
  });
});
