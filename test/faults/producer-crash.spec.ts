import { setTimeout as faultLasts } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chunksCollection } from '#orders/operation/acknowledged-chunks.js';
import { createDraws } from '#orders/generator/draws.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { ackedOrders } from '#orders/operation/segments.js';
import { eventually } from '../support/eventually.js';
import { ExtraProducer } from '../support/extra-producer.js';
import { Pipeline, type PopulateResponse } from '../support/pipeline.js';
import { reconciled } from '../support/run-reconcile.js';

const SEED = 20_261_125;
const KILLS = 2;
const MOMENT = 1;
const OUTAGE_MS = 10_000;
const HOUR_MS = 3_600_000;
const HOLDS = { code: 0, verdict: 'holds', missing: 0, doubled: 0, altered: 0, phantom: 0, pending: 0 };

describe('an operation', () => {
  let pipeline: Pipeline;
  const draw = createDraws(SEED);

  beforeAll(async () => {
    pipeline = await Pipeline.start('--save-ms', '0..5');
  }, 180_000);

  afterAll(async () => {
    await pipeline.end();
  }, 60_000);

  /** Reads the operation; returns `undefined` while the producer does not answer because of a kill. */
  async function tryOperation(id: string): Promise<PopulateResponse | undefined> {
    return pipeline.operation(id).catch(() => undefined);
  }

  /** Waits until more than `orders` further orders are acknowledged, or all. @returns the acknowledged orders */
  async function untilFurther(orders: number, id: string, from: number): Promise<number> {
    let acked = from;
    await eventually('the emission continues', 60_000, async () => {
      const operation = await tryOperation(id);
      acked = operation?.acked ?? acked;
      return acked > from + orders || operation?.status === 'succeeded';
    });
    return acked;
  }

  function kill(name: string): void {
    process.kill(pipeline.stack.process(name).pid, 'SIGKILL');
  }

  /** Checks that each order is saved once and each index is in exactly one acknowledged chunk. */
  async function expectComplete(id: string, count: number): Promise<void> {
    await eventually('all orders are saved', 180_000, async () => (await tryOperation(id))?.saved === count);
    expect(await reconciled(pipeline.stack, id)).toMatchObject({ ...HOLDS, acked: count, saved: count });
    const chunks = await chunksCollection(pipeline.db)
      .find({ '_id.operationId': id })
      .sort({ '_id.from': 1 })
      .toArray();
    expect(chunks.map(({ _id }) => _id.from)).toEqual([0, ...chunks.slice(0, -1).map(({ to }) => to)]);
    expect(chunks.at(-1)?.to).toBe(count);
  }

  it('continues by itself after each of two kills of its producer, and every order is saved once', async () => {
    const count = 120_000;
    const { id } = await pipeline.populate({ count });
    let acked = 0;
    for (let kills = 0; kills < KILLS; kills += 1) {
      acked = await untilFurther(draw(MOMENT, kills, 15_000), id, acked);
      expect(acked).toBeLessThan(count);
      kill('producer');
    }
    await expectComplete(id, count);
  }, 400_000);

  it('is shared by two producers, and survives the kill of both', async () => {
    const count = 400_000;
    let second = await ExtraProducer.start(pipeline.stack);
    try {
      const { id } = await pipeline.populate({ count });
      const owners = async (): Promise<Set<string>> => {
        const operation = await operationsCollection(pipeline.db).findOne({ _id: id });
        return new Set(operation?.segments.flatMap(({ lease }) => lease?.owner ?? []));
      };
      await eventually('both producers emit the operation', 20_000, async () => (await owners()).size === 2);
      expect((await tryOperation(id))?.status).toBe('running');
      await untilFurther(draw(MOMENT, KILLS, 15_000), id, 0);
      await second.kill();
      kill('producer');
      second = await ExtraProducer.start(pipeline.stack);
      await expectComplete(id, count);
    } finally {
      await second.kill();
    }
  }, 300_000);

  it.each([-HOUR_MS, HOUR_MS])(
    'keeps its rate when a producer whose clock is %d ms wrong takes it over and is killed',
    async (shiftMs) => {
      const count = 60_000;
      const wrong = await ExtraProducer.start(pipeline.stack, shiftMs);
      const { pid } = pipeline.stack.process('producer');
      try {
        const { id } = await pipeline.populate({ count, ratePerSecond: 5_000 });
        const acked = await untilFurther(0, id, 0);
        process.kill(pid, 'SIGSTOP');
        const stored = async () => operationsCollection(pipeline.db).findOne({ _id: id });
        await eventually('the other producer continues', 30_000, async () => {
          const operation = await stored();
          return operation !== null && ackedOrders(operation.segments) > acked + 10_000;
        });
        expect((await stored())?.status).toBe('running');
        await wrong.kill();
        process.kill(pid, 'SIGCONT');
        await eventually(
          'all orders are acknowledged',
          30_000,
          async () => (await tryOperation(id))?.status === 'succeeded',
        );
        const { startedAt, finishedAt } = await pipeline.operation(id);
        const seconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1_000;
        expect(seconds).toBeGreaterThanOrEqual(11.5);
        expect(seconds).toBeLessThan(60);
        await expectComplete(id, count);
      } finally {
        process.kill(pid, 'SIGCONT');
        await wrong.kill();
      }
    },
    200_000,
  );

  it.each(['Kafka', 'MongoDB'])(
    'waits while %s is unavailable for 10 s, and catches up with its schedule',
    async (server) => {
      const count = 100_000;
      const { id } = await pipeline.populate({ count, ratePerSecond: 5_000 });
      await untilFurther(draw(MOMENT, KILLS + 1, 10_000), id, 0);
      const { pid } = pipeline.stack.process(server);
      process.kill(pid, 'SIGSTOP');
      await faultLasts(OUTAGE_MS);
      process.kill(pid, 'SIGCONT');
      await eventually(
        'all orders are acknowledged',
        90_000,
        async () => (await tryOperation(id))?.status === 'succeeded',
      );
      const { startedAt, finishedAt } = await pipeline.operation(id);
      const seconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1_000;
      expect(seconds).toBeGreaterThanOrEqual(19);
      await expectComplete(id, count);
    },
    200_000,
  );
});
