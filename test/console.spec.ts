import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { PipelineHistory } from '../apps/console/src/pipeline/pipeline-history.js';
import type { PipelineResponse } from '../apps/console/src/pipeline/pipeline-response.js';
import { areShared, changeScaling, pipelineState, type ScalingAnswer } from './support/console-requests.js';
import { eventually } from './support/eventually.js';
import { TestSystem } from './support/test-system.js';

const PARTITIONS = 3;
/** Per consumer; allows 400 orders/s, so that a slow machine reaches it too. */
const IN_FLIGHT = 200;
/** The backlog of a populate without an end: twenty seconds' work of one consumer. */
const LAG_CEILING = 8_000;

describe('the console', () => {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = await TestSystem.start({
      env: { LAG_CEILING: `${LAG_CEILING}` },
      flags: ['--partitions', `${PARTITIONS}`, '--save-ms', '0..1000', '--in-flight', `${IN_FLIGHT}`],
    });
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  const now = async (): Promise<PipelineResponse> => pipelineState(pipeline);
  const scale = async (body: unknown): Promise<ScalingAnswer> => changeScaling(pipeline, 'consumers', body);

  it('reports an idle pipeline: no lag, and one consumer with all partitions', async () => {
    await eventually('the consumer has its partitions', async () => areShared(await now(), 1));
    const idle = await now();
    expect(idle).toMatchObject({ producedPerSecond: 0, savedPerSecond: 0, lagRecords: 0, lagSeconds: 0 });
    expect(idle).toMatchObject({ secondsToDrain: 0, inFlight: 0, deadLetters: 0 });
    expect(idle.partitions).toHaveLength(PARTITIONS);
    expect(idle.consumers).toMatchObject([{ name: 'consumer-1', inFlightLimit: IN_FLIGHT, notReadyBecause: null }]);
  });

  it('reports the rates, the orders in flight and, at the end, the dead letters', async () => {
    const { id } = await pipeline.populate({ count: 4_000, faults: { poison: 0.02 } });
    const seen: PipelineResponse[] = [];
    await eventually('orders are being saved', async () => {
      seen.push(await now());
      return seen.some((each) => (each.savedPerSecond ?? 0) > 200 && (each.secondsToDrain ?? 0) > 0);
    });
    expect(Math.max(...seen.map(({ producedPerSecond }) => producedPerSecond ?? 0))).toBeGreaterThan(0);
    expect(Math.max(...seen.map(({ inFlight }) => inFlight ?? 0))).toBe(IN_FLIGHT);
    await pipeline.allEnded(id);
    await eventually('the lag is 0', async () => (await now()).lagRecords === 0);
    expect((await now()).deadLetters).toBeGreaterThan(25);
  });

  it('starts consumers, which appear and share the partitions, and drains them again', async () => {
    const { id } = await pipeline.populate({ count: 1_000_000, ratePerSecond: 2_000 });
    await eventually('one consumer saves at its limit', async () => (await now()).inFlight === IN_FLIGHT);
    expect(await scale({ count: 3 })).toEqual({ status: 202, body: { count: 3, idle: 0, request: 1 } });
    await eventually('the three share the partitions', async () => areShared(await now(), 3));
    await eventually('three save at once', async () => ((await now()).inFlight ?? 0) > 2.5 * IN_FLIGHT);
    expect(await names()).toEqual(['consumer-1', 'consumer-2', 'consumer-3']);
    expect((await now()).changes.at(-1)).toMatchObject({
      from: { consumers: 1, inFlight: IN_FLIGHT },
      to: { consumers: 3, inFlight: IN_FLIGHT },
    });
    expect((await scale({ count: 1 })).status).toBe(202);
    await eventually('one consumer has all partitions', async () => areShared(await now(), 1));
    const scalings = (await now()).changes.filter(({ kind }) => kind === 'scaling').slice(-2);
    expect(scalings).toMatchObject([
      { from: { consumers: 1 }, to: { consumers: 3 } },
      { from: { consumers: 3 }, to: { consumers: 1 } },
    ]);
    await pipeline.post(`/v1/operations/${id}/cancel`, {});
    expect(await pipeline.allEnded(id)).toMatchObject({ status: 'cancelled', deadLettered: 0 });
  });

  async function names() {
    return (await now()).consumers?.map(({ name }) => name);
  }

  async function limits() {
    return (await now()).consumers?.map(({ inFlightLimit, inFlightSet }) => [inFlightLimit, inFlightSet]);
  }

  it('sets the in-flight limit of each consumer, and resets it', async () => {
    expect(await changeScaling(pipeline, 'in-flight', { limit: 250 })).toMatchObject({
      status: 202,
      body: { limit: 250 },
    });
    await eventually('the limit is applied', async () => (await limits())?.[0]?.[0] === 250);
    expect(await limits()).toEqual([[250, 250]]);
    await changeScaling(pipeline, 'in-flight', { limit: 'auto' });
    await eventually('the automatic limit is active', async () => (await limits())?.[0]?.[1] === 'auto');
    await changeScaling(pipeline, 'in-flight', { limit: null });
    await eventually('the default limit is active', async () => (await limits())?.[0]?.[0] === IN_FLIGHT);
  });

  it.each([{ limit: 0 }, { limit: -1 }, { limit: 1.5 }, { limit: 1_000_000 }, { limit: 'many' }, {}])(
    'rejects the in-flight limit %j',
    async (body) => {
      const answer = await changeScaling(pipeline, 'in-flight', body);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
    },
  );

  it.each([
    { count: 0 },
    { count: -1 },
    { count: 1.5 },
    { count: 1_000 },
    { count: '2' },
    {},
    { count: 1, force: true },
    [],
  ])('rejects scaling to %j, and changes nothing', async (body) => {
    const before = await names();
    const answer = await scale(body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
    expect(await names()).toEqual(before);
  });

  it('has recorded the last minutes, whether or not a client asked for them', async () => {
    const before = Date.now() / 1_000;
    const answer = await fetch(`${pipeline.consoleUrl}/v1/pipeline/history`);
    const { series } = (await answer.json()) as PipelineHistory;
    expect(series.map(({ stepSeconds }) => stepSeconds)).toEqual([1, 5, 30]);
    const [fine] = series;
    expect(Math.max(...(fine?.saved ?? []).map((rate) => rate ?? 0))).toBeGreaterThan(IN_FLIGHT);
    expect(fine?.consumers).toEqual(expect.arrayContaining([1, 3]));
    const until = (fine?.from ?? 0) + (fine?.saved.length ?? 0);
    // A slow console may be some looks behind.
    expect(until).toBeGreaterThan(before - 60);
    expect(until).toBeLessThan(Date.now() / 1_000 + 2);
  });

  it('sends the pipeline state once a second as server-sent events', async () => {
    const disconnect = new AbortController();
    const response = await fetch(`${pipeline.consoleUrl}/v1/pipeline/events`, { signal: disconnect.signal });
    const events = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    const times: number[] = [];
    for await (const { event, data } of events ?? []) {
      expect(event).toBe('pipeline');
      expect((JSON.parse(data) as PipelineResponse).partitions).toHaveLength(PARTITIONS);
      times.push(performance.now());
      if (times.length === 4) break;
    }
    expect((times[3] ?? 0) - (times[1] ?? 0)).toBeGreaterThan(1_500);
    disconnect.abort();
  });
});
