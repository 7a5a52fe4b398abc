import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type {
  AutoscalingView,
  DecisionItem,
  DecisionPage,
} from '../../apps/console/src/autoscaling/autoscaling-response.js';
import { areShared, changeScaling, pipelineState } from '../support/console-requests.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';

const SETTINGS = { AUTOSCALE_DRAIN_SECONDS: '20', AUTOSCALE_MAX_CONSUMERS: '4' };
/** Per consumer; allows 400 orders/s. */
const IN_FLIGHT = 200;

function steps(decisions: readonly DecisionItem[]): string[] {
  return decisions.filter(({ kind }) => kind !== 'keep').map(({ kind, from, to }) => `${kind} ${from} → ${to}`);
}

describe('npm start -- --autoscale', () => {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = await TestSystem.start({ env: SETTINGS, flags: ['--autoscale', '--in-flight', `${IN_FLIGHT}`] });
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  async function read<T>(path: string): Promise<T> {
    return (await (await fetch(`${pipeline.consoleUrl}/v1/pipeline/${path}`)).json()) as T;
  }

  const now = async (): Promise<AutoscalingView> => read('autoscaling');
  const desired = async (): Promise<unknown> => read('desired-consumers');

  /** All decisions after the one with this id, oldest first. */
  async function decisionsSince(id: string | undefined): Promise<DecisionItem[]> {
    const { items } = await read<DecisionPage>('autoscaling/decisions?pageSize=200');
    return items.filter((item) => id === undefined || item.id > id).toReversed();
  }

  async function lastId(): Promise<string | undefined> {
    return (await decisionsSince(undefined)).at(-1)?.id;
  }

  it('decides from the start, and answers KEDA', async () => {
    await eventually('it has decided', async () => (await now()).now?.reason === 'enough');
    expect(await now()).toMatchObject({ mode: 'on', maxConsumers: 4, drainSeconds: 20, wanted: 1, failure: null });
    expect(await desired()).toEqual({ desired: 1 });
    // The state is measured in rounds.
    await eventually('the state has it', async () => (await pipelineState(pipeline)).autoscaling?.wanted === 1);
  });

  it('takes a step back that did not help, since keys bound the rate, and does not try it again', async () => {
    const before = await lastId();
    const { id } = await pipeline.populate({ count: 15_000, accounts: 80 });
    await eventually('a step is reverted', async () => steps(await decisionsSince(before)).length >= 2);
    const decisions = await decisionsSince(before);
    expect(steps(decisions)).toEqual(['up 1 → 4', 'revert 4 → 1']);
    // On a machine that is busy with other work, CPU is the bound.
    expect(decisions.find(({ kind }) => kind === 'revert')).toMatchObject({
      reason: 'no-gain',
      verdict: { outcome: expect.stringMatching(/no-gain|slower/), bound: expect.stringMatching(/keys|cpu/) },
      text: expect.stringMatching(/^back to 1 consumer: 4 consumers did not help .* bound by/),
    });
    await eventually('the consumers have drained', async () => areShared(await pipelineState(pipeline), 1));
    await eventually('it waits for another load', async () => (await now()).now?.reason === 'bound');
    await pipeline.post(`/v1/operations/${id}/cancel`, {});
    await eventually('the load is over', async () => (await pipelineState(pipeline)).lagRecords === 0);
    expect(steps(await decisionsSince(before))).toHaveLength(2);
  });

  it('scales up for a populate, says that it helped, and scales down after the drain', async () => {
    const before = await lastId();
    // Enough for a step, a rebalance and a verdict: a minute at the rate of four.
    const { id } = await pipeline.populate({ count: 100_000 });
    await eventually('it scales up', async () => steps(await decisionsSince(before)).length === 1);
    await eventually('four consumers run', async () => areShared(await pipelineState(pipeline), 4));
    expect(await desired()).toEqual({ desired: 4 });
    await pipeline.allSaved(id);
    await eventually('one consumer is left', async () => areShared(await pipelineState(pipeline), 1));
    const decisions = await decisionsSince(before);
    // On a busy machine it measures a lower rate at first, and needs a second step. Down, it keeps more than one consumer while the arrivals
    // of the populate are in the last minutes.
    const made = steps(decisions);
    expect(made[0]).toMatch(/^up 1 → [34]$/);
    expect(made.map((step) => step.split(' ')[0]).join(' ')).toMatch(/^up (up )?(down ?)+$/);
    const reasons = decisions.map(({ reason, text }) => `${reason}: ${text}`);
    expect(reasons).toEqual(
      expect.arrayContaining([expect.stringMatching(/^helped:/), expect.stringMatching(/^spare-capacity:/)]),
    );
  });

  it('keeps what a person has set, until it is resumed', async () => {
    expect((await changeScaling(pipeline, 'consumers', { count: 2 })).status).toBe(202);
    await eventually('it is on hold', async () => (await now()).heldUntil !== null);
    expect(await now()).toMatchObject({ wanted: 2, now: { reason: 'held-by-hand' } });
    const answer = await fetch(`${pipeline.consoleUrl}/v1/pipeline/autoscaling/resume`, { method: 'POST' });
    expect(answer.status).toBe(204);
    await eventually('it decides again', async () => ((await desired()) as { desired: number }).desired === 1);
  });
});
