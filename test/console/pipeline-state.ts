import { beforeAll, expect, it } from '@jest/globals';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { PipelineHistory, PipelineResponse } from '../../apps/console/src/pipeline/pipeline-response.js';
import { findInFlightOverride } from '#orders/consumer/consumers.js';
import { areShared, changeScaling, pipelineState } from '../support/console-requests.js';
import { eventually } from '../support/eventually.js';
import type { TestSystem } from '../support/test-system.js';
import type { PopulateResponse } from '../support/tested-stack.js';

/** What the specs of the console's state need of their pipeline. */
export interface StateLimits {
  readonly partitions: number;
  /** Per consumer. */
  readonly inFlight: number;
}

/** @param pipeline returns the pipeline that these specs share with others */
export function pipelineStateSpecs(pipeline: () => TestSystem, { partitions, inFlight }: StateLimits): void {
  const now = async (): Promise<PipelineResponse> => pipelineState(pipeline());

  beforeAll(async () => {
    await eventually('the consumer has its partitions', async () => areShared(await now(), 1));
  });

  async function names(): Promise<string[] | undefined> {
    return (await now()).consumers?.map(({ name }) => name);
  }

  /** Runs `work` during a populate that the pipeline does not end before it is cancelled. @returns the cancelled operation */
  async function whilePopulating(order: object, work: () => Promise<void>): Promise<PopulateResponse> {
    const { id } = await pipeline().populate({ count: 1_000_000, ...order });
    try {
      await work();
    } finally {
      await pipeline().post(`/v1/operations/${id}/cancel`, {});
    }
    return pipeline().allEnded(id);
  }

  /** Waits until the orders of the case before are saved, which may have begun under a higher limit, and its rebalance has ended. */
  async function untilIdle(): Promise<void> {
    await eventually('nothing is sent, in flight or saved, and each consumer is ready', async () => {
      const { lagRecords, inFlight: running, savedPerSecond, producedPerSecond, consumers } = await now();
      const figures = { lagRecords, running, savedPerSecond, producedPerSecond };
      const unready = consumers?.find(({ notReadyBecause }) => notReadyBecause !== null);
      return (unready === undefined && Object.values(figures).every((figure) => figure === 0)) || { figures, unready };
    });
  }

  /** Starts the scaling demo on an idle pipeline. */
  async function startDemo(): Promise<void> {
    await untilIdle();
    await hasLimits([inFlight, inFlight]);
    // This machine may be busy with other specs.
    const started = await changeScaling(pipeline(), 'scaling-demo', { ignoreLoad: true });
    expect(started).toMatchObject({ status: 202, body: { status: 'running', step: 'prepare', limit: inFlight } });
  }

  /** @returns what was seen of the pipeline until the demo had ended */
  async function demoToItsEnd(): Promise<PipelineResponse[]> {
    const seen: PipelineResponse[] = [];
    await eventually('the demo has ended', async () => {
      seen.push(await now());
      const { scalingDemo } = seen.at(-1) ?? {};
      return scalingDemo?.endedAt != null || scalingDemo;
    });
    return seen;
  }

  const setLimit = async (limit: unknown) => changeScaling(pipeline(), 'in-flight', { limit });

  /** Waits until each consumer has this limit, or this setting of it. */
  async function hasLimits(limits: readonly [limit: unknown, set: unknown]): Promise<void> {
    await eventually(`the limit is ${limits.join(', ')}`, async () => {
      const [consumer] = (await now()).consumers ?? [];
      const { inFlightLimit, inFlightSet } = consumer ?? {};
      return [inFlightLimit, inFlightSet].every((value, at) => limits[at] === undefined || value === limits[at]);
    });
  }

  it('reports an idle pipeline: no lag, and one consumer with all partitions', async () => {
    await untilIdle();
    const idle = await now();
    expect(idle).toMatchObject({ lagSeconds: 0, secondsToDrain: 0 });
    expect(idle.partitions).toHaveLength(partitions);
    expect(idle.consumers).toMatchObject([{ name: 'consumer-1', inFlightLimit: inFlight, notReadyBecause: null }]);
  });

  it('reports the rates, the orders in flight and, at the end, the dead letters', async () => {
    await untilIdle();
    const before = (await now()).deadLetters ?? 0;
    const seen: PipelineResponse[] = [];
    const { deadLettered } = await whilePopulating({ ratePerSecond: 600, faults: { poison: 0.1 } }, async () =>
      eventually('orders are being saved, at the limit', async () => {
        const state = await now();
        seen.push(state);
        return (
          (seen.some(({ savedPerSecond }) => (savedPerSecond ?? 0) > 0) &&
            seen.some(({ secondsToDrain }) => (secondsToDrain ?? 0) > 0) &&
            seen.some(({ producedPerSecond }) => (producedPerSecond ?? 0) > 0) &&
            seen.some((each) => each.inFlight === inFlight)) ||
          state
        );
      }),
    );
    expect(Math.max(...seen.map((each) => each.inFlight ?? 0))).toBe(inFlight);
    expect(deadLettered).toBeGreaterThan(0);
    await eventually('the lag is 0, and its dead letters are counted', async () => {
      const { lagRecords, deadLetters } = await now();
      return (lagRecords === 0 && deadLetters === before + (deadLettered ?? 0)) || { lagRecords, deadLetters };
    });
  });

  it('starts consumers, which appear and share the partitions, drains them again, and records it', async () => {
    await untilIdle();
    const operation = await whilePopulating({ ratePerSecond: 2_000 }, async () => {
      await eventually('one consumer saves at its limit', async () => (await now()).inFlight === inFlight);
      const { scalingRequests } = await now();
      expect(await changeScaling(pipeline(), 'consumers', { count: 3 })).toEqual({
        status: 202,
        body: { count: 3, idle: 0, request: scalingRequests + 1 },
      });
      await eventually('the three share the partitions', async () => areShared(await now(), 3));
      await eventually('three save at once', async () => ((await now()).inFlight ?? 0) > 2.5 * inFlight);
      expect(await names()).toEqual(['consumer-1', 'consumer-2', 'consumer-3']);
      // A change of the limit just before may be a part of the same scaling.
      expect((await now()).changes.at(-1)).toMatchObject({ to: { consumers: 3, inFlight } });
      expect((await changeScaling(pipeline(), 'consumers', { count: 1 })).status).toBe(202);
      await eventually('one consumer has all partitions', async () => areShared(await now(), 1));
      // Consumers that join or leave one after another can be several changes.
      const scalings = (await now()).changes.filter(({ kind }) => kind === 'scaling');
      expect(scalings.findLast(({ to }) => to?.consumers === 3)).toBeDefined();
      expect(scalings.at(-1)).toMatchObject({ to: { consumers: 1 } });
      // The finest figures cover five minutes.
      const answer = await fetch(`${pipeline().consoleUrl}/v1/pipeline/history`);
      const { series } = (await answer.json()) as PipelineHistory;
      expect(series.map(({ stepSeconds }) => stepSeconds)).toEqual([1, 5, 30]);
      expect(series[0]?.consumers).toEqual(expect.arrayContaining([1, 3]));
      expect(Math.max(...(series[0]?.saved ?? []).map((rate) => rate ?? 0))).toBeGreaterThan(0);
    });
    expect(operation).toMatchObject({ status: 'cancelled', deadLettered: 0 });
  });

  it('sets the in-flight limit of each consumer, and resets it', async () => {
    expect(await setLimit(250)).toMatchObject({ status: 202, body: { limit: 250 } });
    await hasLimits([250, 250]);
    expect((await setLimit('auto')).status).toBe(202);
    await hasLimits([undefined, 'auto']);
    expect((await setLimit(null)).status).toBe(202);
    await hasLimits([inFlight, inFlight]);
  });

  it('shows the effect of three consumers, while other changes are refused, and restores one and its limit', async () => {
    await startDemo();
    for (const [what, body] of [
      ['scaling-demo', { ignoreLoad: true }],
      ['consumers', { count: 2 }],
      ['in-flight', { limit: 7 }],
    ] as const)
      expect(await changeScaling(pipeline(), what, body)).toMatchObject({
        status: 409,
        body: { code: 'scaling-demo-running' },
      });
    let seen = await demoToItsEnd();
    // On a busy machine, its orders may be saved before all consumers have started, or the processors bound the rate.
    for (;;) {
      const { error, verdict } = seen.at(-1)?.scalingDemo ?? {};
      if (error?.code !== 'no-verdict' && verdict?.bound !== 'cpu') break;
      await startDemo();
      seen = await demoToItsEnd();
    }
    expect(seen.at(-1)?.scalingDemo).toMatchObject({
      status: 'succeeded',
      step: null,
      before: expect.any(Number),
      after: expect.any(Number),
      verdict: { outcome: 'faster' },
      error: null,
    });
    expect(Math.max(...seen.map(({ configuredConsumers }) => configuredConsumers ?? 0))).toBe(3);
    await eventually('one consumer has all partitions', async () => areShared(await now(), 1));
    expect(await findInFlightOverride(pipeline().db)).toBeNull();
    await pipeline().post(`/v1/operations/${seen.at(-1)?.scalingDemo?.operationId}/cancel`, {});
    expect((await changeScaling(pipeline(), 'scaling-demo/cancel', {})).body.code).toBe('no-scaling-demo');
  });

  // The spec of the schemas has the other values.
  it.each([
    ['consumers', { count: 0 }],
    ['consumers', []],
    ['in-flight', { limit: 0 }],
  ] as const)('rejects a change of %s to %j, and changes nothing', async (what, body) => {
    const before = await names();
    const answer = await changeScaling(pipeline(), what, body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
    expect(await names()).toEqual(before);
  });

  it('sends the pipeline state as server-sent events', async () => {
    const disconnect = new AbortController();
    const { signal } = disconnect;
    const { body } = await fetch(`${pipeline().consoleUrl}/v1/pipeline/events`, { signal });
    const events = body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    const times: string[] = [];
    for await (const { event, data } of events ?? []) {
      const state = JSON.parse(data) as PipelineResponse;
      expect([event, state.partitions?.length]).toEqual(['pipeline', partitions]);
      times.push(state.at);
      if (times.length === 3) break;
    }
    expect(new Set(times).size).toBe(3);
    disconnect.abort();
  });
}
