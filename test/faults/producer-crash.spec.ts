import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chunksCollection } from '#orders/operation/acknowledged-chunks.js';
import { createDraws } from '#orders/generator/seeded-random.js';
import { operationsCollection, ackedOrders, SEGMENT_ORDERS } from '#orders/operation/operation.js';
import { eventually } from '../support/eventually.js';
import { ExtraProducer, reconciled } from '../support/started-app.js';
import { TestSystem } from '../support/test-system.js';
import type { PopulateResponse } from '../support/tested-stack.js';

const SEED = 20_261_125;
const MOMENT = 1;
/** Each chunk waits for its acknowledgement: with so small ones, publishing lasts far longer than the case takes to look and to kill. */
const CHUNK_SIZE = 10;
const HOUR_MS = 3_600_000;
const HOLDS = { code: 0, verdict: 'holds', missing: 0, doubled: 0, altered: 0, phantom: 0, pending: 0 };

describe('an operation', () => {
  let pipeline: TestSystem;
  const draw = createDraws(SEED);

  beforeAll(async () => {
    pipeline = await TestSystem.start({ flags: ['--no-console', '--save-ms', '0..5'] });
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  /** Reads the operation; returns `undefined` while the producer does not answer because of a kill. */
  async function tryOperation(id: string): Promise<PopulateResponse | undefined> {
    return pipeline.operation(id).catch(() => undefined);
  }

  /** Waits until more than `orders` further orders are acknowledged, or all. @returns the acknowledged orders */
  async function untilFurther(orders: number, id: string, from: number): Promise<number> {
    let acked = from;
    await eventually('publishing continues', async () => {
      const operation = await tryOperation(id);
      acked = operation?.acked ?? acked;
      return acked > from + orders || operation?.status === 'succeeded';
    });
    return acked;
  }

  function kill(name: string): void {
    process.kill(pipeline.process(name).pid, 'SIGKILL');
  }

  /** Checks that each order is saved once and each index is in exactly one acknowledged chunk. */
  async function expectComplete(id: string, count: number): Promise<void> {
    await eventually('all orders are saved', async () => (await tryOperation(id))?.saved === count);
    expect(await reconciled(pipeline, id)).toMatchObject({ ...HOLDS, acked: count, saved: count });
    const chunks = await chunksCollection(pipeline.db)
      .find({ '_id.operationId': id })
      .sort({ '_id.from': 1 })
      .toArray();
    expect(chunks.map(({ _id }) => _id.from)).toEqual([0, ...chunks.slice(0, -1).map(({ to }) => to)]);
    expect(chunks.at(-1)?.to).toBe(count);
  }

  it('is shared by two producers, survives the kill of both and another kill, and saves every order once', async () => {
    // Two segments: one for each producer.
    const count = SEGMENT_ORDERS + 20_000;
    const second = await ExtraProducer.start(pipeline);
    try {
      const { id } = await pipeline.populate({ count, chunkSize: CHUNK_SIZE });
      const owners = async (): Promise<Set<string>> => {
        const operation = await operationsCollection(pipeline.db).findOne({ _id: id });
        return new Set(operation?.segments.flatMap(({ lease }) => lease?.owner ?? []));
      };
      await eventually('both producers emit the operation', async () => (await owners()).size === 2);
      expect((await tryOperation(id))?.status).toBe('running');
      const acked = await untilFurther(draw(MOMENT, 0, 10_000), id, 0);
      await second.kill();
      kill('producer');
      expect(await untilFurther(draw(MOMENT, 1, 10_000), id, acked)).toBeLessThan(count);
      kill('producer');
      await expectComplete(id, count);
    } finally {
      await second.kill();
    }
  });

  it.each([-HOUR_MS, HOUR_MS])(
    'keeps its rate when a producer whose clock is %d ms wrong takes it over and is killed',
    async (shiftMs) => {
      const count = 20_000;
      const ratePerSecond = 1_000;
      const wrong = await ExtraProducer.start(pipeline, shiftMs);
      const { pid } = pipeline.process('producer');
      try {
        const { id } = await pipeline.populate({ count, ratePerSecond });
        const acked = await untilFurther(0, id, 0);
        process.kill(pid, 'SIGSTOP');
        const stored = async () => operationsCollection(pipeline.db).findOne({ _id: id });
        await eventually('the other producer continues', async () => {
          const operation = await stored();
          return operation !== null && ackedOrders(operation.segments) > acked + 3_000;
        });
        expect((await stored())?.status).toBe('running');
        await wrong.kill();
        process.kill(pid, 'SIGCONT');
        await eventually('all orders are acknowledged', async () => (await tryOperation(id))?.status === 'succeeded');
        const { startedAt, finishedAt } = await pipeline.operation(id);
        const seconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1_000;
        expect(seconds).toBeGreaterThanOrEqual(count / ratePerSecond - 0.5);
        // By its wrong clock, the schedule would end an hour later.
        expect(seconds).toBeLessThan(HOUR_MS / 2_000);
        await expectComplete(id, count);
      } finally {
        process.kill(pid, 'SIGCONT');
        await wrong.kill();
      }
    },
  );
});
