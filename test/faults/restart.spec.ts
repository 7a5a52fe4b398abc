import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { OrderResponse } from '#orders/order/order-response.js';
import { eventually } from '../support/eventually.js';
import { expectedOrders, Pipeline } from '../support/pipeline.js';
import { RunningStack, survivors } from '../support/running-stack.js';

const COUNT = 36_000;
const FLAGS = ['--save-ms', '0..1000', '--in-flight', '2000'];

describe('a restart of the whole stack during a populate', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-restart-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts a stack and a populate; resolves when some orders are saved, but by far not all. */
  async function midway(): Promise<{ pipeline: Pipeline; id: string }> {
    const stack = await RunningStack.start({ dataDirectory: join(folder, 'data'), flags: FLAGS });
    const pipeline = await Pipeline.of(stack);
    const { id } = await pipeline.populate({ count: COUNT, seed: 11, ratePerSecond: 6_000 });
    await eventually(
      'more than 3,000 orders are saved',
      60_000,
      async () => ((await pipeline.operation(id)).saved ?? 0) > 3_000,
    );
    const { saved, acked } = await pipeline.operation(id);
    expect(saved).toBeLessThan(COUNT);
    expect(acked).toBeLessThan(COUNT);
    return { pipeline, id };
  }

  async function completesAfterRestart(id: string): Promise<void> {
    const stack = await RunningStack.start({ dataDirectory: join(folder, 'data'), flags: FLAGS });
    const pipeline = await Pipeline.of(stack);
    try {
      const operation = await pipeline.allSaved(id, 120_000);
      expect(operation).toMatchObject({ status: 'succeeded', acked: COUNT, saved: COUNT, deadLettered: 0 });
      const pages: OrderResponse[][] = await pipeline.walk('/v1/orders?page=1&pageSize=1000');
      expect(pages.flat()).toEqual(expectedOrders(operation));
      expect(await pipeline.db.collection('orders').countDocuments()).toBe(COUNT);
    } finally {
      await pipeline.close();
      await stack.stop();
    }
  }

  it('by a normal stop loses and doubles no order', async () => {
    const { pipeline, id } = await midway();
    await pipeline.close();
    await pipeline.stack.stop();
    expect(pipeline.stack.output).toMatch(/lost 0/);
    await completesAfterRestart(id);
  }, 400_000);

  it('by kill -9 of all processes at once loses and doubles no order', async () => {
    const { pipeline, id } = await midway();
    const processes = pipeline.stack.processes();
    pipeline.stack.signal('SIGKILL');
    for (const { pid } of processes) process.kill(pid, 'SIGKILL');
    await pipeline.close();
    expect(await survivors(processes, 10_000)).toEqual([]);
    await completesAfterRestart(id);
  }, 400_000);
});
