import { describe, expect, it } from '@jest/globals';
import { DemoEnd } from './scaling-demo.js';
import { anOverride, itIsADemoStore, MemoryDemoStore, sharedDemo } from './testing/demo-stores.js';
import { CONFIGURED, SimulatedStack } from './testing/simulated-stack.js';

/** A stack that has been at rest for some seconds, with a console. */
async function started(change: (stack: SimulatedStack) => void = () => undefined) {
  const stack = new SimulatedStack();
  change(stack);
  await stack.seconds(12);
  return { stack, ...stack.console() };
}

async function untilAborted(signal: AbortSignal): Promise<string> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as DemoEnd));
  });
}

const END = { step: null, endedAt: expect.any(String) };
/** The limit and the consumers of before, and nothing left to restore. */
const RESTORED = { limit: CONFIGURED, consumers: 1, shared: { owner: null, pending: null, override: null } };

describe('the scaling demo', () => {
  it('compares one with three consumers under a low limit, and restores both', async () => {
    const { stack, demo, status } = await started();
    expect(await demo.start(stack.populate, false)).toMatchObject({ status: 'running', limit: 500, orders: 80_000 });
    await stack.until(() => !status.isRunning);
    expect(status.latest).toMatchObject({
      ...END,
      status: 'succeeded',
      operationId: 'operation-1',
      before: 1_000,
      after: 3_000,
      verdict: { outcome: 'faster', factor: 3 },
      error: null,
    });
    expect(stack.requested).toEqual(['populate 80000', 'scale to 3', 'scale to 1']);
    expect(stack).toMatchObject(RESTORED);
    expect(stack.clock.now()).toBeLessThan(90_000);
  });

  it('has the number of consumers and the override of before again, and never raises a limit', async () => {
    const { stack, demo, status } = await started((each) => {
      each.consumers = 4;
      each.shared.override = anOverride(200);
    });
    expect(await demo.start(stack.populate, false)).toMatchObject({ limit: 200, orders: 32_000 });
    await stack.until(() => !status.isRunning);
    expect(status.latest).toMatchObject({ status: 'succeeded', before: 400, after: 1_200 });
    expect(stack).toMatchObject({ consumers: 4, shared: { override: anOverride(200), pending: null } });
  });

  it('stores what it must restore before it changes anything', async () => {
    const { stack, demo, status } = await started();
    await demo.start(stack.populate, false);
    expect(JSON.parse(stack.shared.pending ?? '')).toMatchObject({ consumers: 1, override: null, limit: 500 });
    expect(stack.requested).toEqual([]);
    await stack.until(() => !status.isRunning);
  });

  it('reports that more consumers do not help', async () => {
    const { stack, demo, status } = await started((each) => {
      each.ceiling = 1_000;
    });
    await demo.start(stack.populate, false);
    await stack.until(() => !status.isRunning);
    expect(status.latest).toMatchObject({ status: 'succeeded', before: 1_000, verdict: { outcome: 'no-gain' } });
    expect(stack).toMatchObject(RESTORED);
  });

  it('is not misled by an earlier scaling to as many consumers', async () => {
    const { stack, demo, status } = await started((each) => void (each.lag = 1_000_000));
    stack.consumers = 3;
    await stack.seconds(15);
    Object.assign(stack, { consumers: 1, lag: 0 });
    await stack.seconds(40);
    await demo.start(stack.populate, false);
    await stack.until(() => !status.isRunning);
    expect(status.latest).toMatchObject({ status: 'succeeded', before: 1_000, after: 3_000 });
  });

  it('measures one consumer for some seconds, also when the orders arrive late', async () => {
    const { stack, demo, status } = await started();
    await demo.start(async () => 'operation-1', false);
    await stack.seconds(25);
    expect(status.latest?.step).toBe('measure');
    stack.lag = 80_000;
    await stack.until(() => !status.isRunning);
    expect(status.latest).toMatchObject({ status: 'succeeded', before: 1_000, after: 3_000 });
  });

  it('waits until its own change of the limit has been judged, which a rebalance delays', async () => {
    const { stack, demo, status } = await started();
    await demo.start(stack.populate, false);
    await stack.until(() => status.latest?.step === 'measure');
    for (let second = 0; second < 6; second += 1) {
      stack.rebalances += 1;
      await stack.seconds(1);
    }
    await stack.until(() => !status.isRunning);
    expect(status.latest).toMatchObject({ status: 'succeeded', before: 1_000, after: 3_000 });
  });

  it('has no verdict when the consumers start so slowly that two of them are judged', async () => {
    const { stack, demo, status } = await started((each) => void (each.secondsApart = 15));
    await demo.start(stack.populate, false);
    await stack.until(() => !status.isRunning);
    expect(status.latest).toMatchObject({ status: 'failed', error: { code: 'no-verdict' } });
    expect(stack).toMatchObject(RESTORED);
  });

  it.each(['prepare', 'populate', 'measure', 'scale', 'restore'] as const)(
    'is stopped during the step %s, and restores',
    async (step) => {
      const { stack, demo, status } = await started();
      const populate: typeof stack.populate = async (order) =>
        step === 'populate' ? untilAborted(order.signal) : stack.populate(order);
      await demo.start(populate, false);
      await stack.until(() => status.latest?.step === step);
      expect(demo.cancel()).toMatchObject({ step });
      await stack.until(() => !status.isRunning);
      // Once it restores, it has a verdict.
      const expected =
        step === 'restore' ? { status: 'succeeded' } : { status: 'cancelled', error: { code: 'stopped' } };
      expect(status.latest).toMatchObject({ ...END, ...expected });
      expect(stack).toMatchObject(RESTORED);
      expect(() => demo.cancel()).toThrow('No scaling demo is running.');
    },
  );

  it.each<[string, (stack: SimulatedStack) => void, string]>([
    ['the orders are saved before there is a verdict', () => undefined, 'no-verdict'],
    ['the saves are too fast', (stack) => void (stack.lag = 1_500), 'no-verdict'],
    ['Kafka does not answer', (stack) => void (stack.isKafkaAway = true), 'demo-timed-out'],
    ['another console has taken over', ({ shared }) => void (shared.owner = 'other'), 'lease-lost'],
  ])('fails when %s, and restores', async (_, happen, code) => {
    const { stack, demo, status } = await started();
    await demo.start(async (order) => stack.populate({ ...order, count: 25_000 }), false);
    await stack.until(() => status.latest?.step === 'measure');
    happen(stack);
    await stack.until(() => status.latest?.error != null);
    stack.isKafkaAway = false;
    await stack.until(() => !status.isRunning);
    expect(status.latest).toMatchObject({ ...END, status: 'failed', verdict: null, error: { code } });
    expect(stack).toMatchObject({ limit: CONFIGURED, consumers: 1 });
  });

  it('fails when the producer refuses the orders, and restores', async () => {
    const { stack, demo, status } = await started();
    await demo.start(async () => Promise.reject(new DemoEnd('failed', 'populate-failed', 'refused')), false);
    await stack.until(() => !status.isRunning);
    expect(status.latest).toMatchObject({ status: 'failed', error: { code: 'populate-failed', message: 'refused' } });
    expect(stack).toMatchObject(RESTORED);
  });

  it('fails when the consumers can not be scaled, and restores once they can', async () => {
    const { stack, demo, status } = await started();
    await demo.start(stack.populate, false);
    stack.actuatorFailures = 4;
    await stack.until(() => !status.isRunning);
    // Messages of a helper are for the log.
    const message = 'The log of the console has the reason.';
    expect(status.latest).toMatchObject({ status: 'failed', error: { code: 'demo-failed', message } });
    expect(stack).toMatchObject(RESTORED);
  });

  it('ends, and says what a person must set, when the number of consumers is refused at its end', async () => {
    const { stack, demo, status } = await started((each) => void (each.consumers = 4));
    await demo.start(stack.populate, false);
    await stack.until(() => status.latest?.step === 'scale');
    stack.maxConsumers = 3;
    await stack.until(() => !status.isRunning);
    const error = { code: 'not-restored', message: 'The number of consumers was not restored: set it to 4.' };
    expect(status.latest).toMatchObject({ ...END, status: 'failed', error });
    expect(stack).toMatchObject({ limit: CONFIGURED, consumers: 3, shared: { owner: null, pending: null } });
  });

  it('restores once MongoDB is available again', async () => {
    const { stack, demo, status } = await started();
    await demo.start(stack.populate, false);
    await stack.until(() => status.latest?.step === 'scale');
    stack.shared.isAway = true;
    await stack.seconds(10);
    expect(status.latest).toMatchObject({ step: 'restore', status: 'failed', endedAt: null });
    stack.shared.isAway = false;
    await stack.until(() => !status.isRunning);
    expect(stack).toMatchObject(RESTORED);
  });

  it('lets an autoscaler hold each number, as after a person', async () => {
    const { stack, demo, autoscaling } = await started();
    await demo.start(stack.populate, false);
    await stack.seconds(2);
    expect([autoscaling.takeByHand(), autoscaling.takeByHand()]).toEqual([1, null]);
  });
});

describe('the start of a scaling demo', () => {
  it.each<[string, string, (stack: SimulatedStack) => void]>([
    ['orders are saved', 'work-under-way', (stack) => void (stack.lag = 1_000_000)],
    ['orders are sent', 'work-under-way', (stack) => void (stack.produced = 3)],
    ['the machine is busy', 'machine-busy', (stack) => void (stack.machineLoad = 0.8)],
    ['there are two partitions', 'too-few-partitions', (stack) => void (stack.partitions = 2)],
    ['Kafka does not answer', 'pipeline-unknown', (stack) => void (stack.isKafkaAway = true)],
    ['no consumer runs', 'pipeline-unknown', (stack) => void (stack.consumers = 0)],
    ['the number of consumers could not be set again', 'not-restorable', (stack) => void (stack.maxConsumers = 0)],
    ['the helper does not answer', 'scaler-away', (stack) => void (stack.actuatorFailures = 1)],
  ])('is refused while %s, with %s, and changes nothing', async (_, code, happen) => {
    const { stack, demo, status } = await started(happen);
    const expected = code === 'scaler-away' ? 503 : 409;
    await expect(demo.start(stack.populate, false)).rejects.toMatchObject({ status: expected, code });
    await stack.seconds(5);
    expect([stack.requested, stack.shared.override, stack.shared.pending, status.latest]).toEqual([
      [],
      null,
      null,
      null,
    ]);
  });

  it('is possible on a busy machine on request', async () => {
    const { stack, demo, status } = await started((each) => void (each.machineLoad = 0.8));
    await demo.start(stack.populate, true);
    await stack.until(() => !status.isRunning);
    expect(status.latest).toMatchObject({ status: 'succeeded' });
  });

  it('is refused where consumers can not be scaled, and while an autoscaler is on unless it holds', async () => {
    const { stack } = await started();
    const none = stack.console({ actuator: null });
    await expect(none.demo.start(stack.populate, false)).rejects.toMatchObject({
      status: 409,
      code: 'not-scaled-here',
    });
    const { demo, autoscaling } = stack.console({ mode: 'on' });
    await expect(demo.start(stack.populate, false)).rejects.toMatchObject({ status: 409, code: 'autoscaling-on' });
    const held = { mode: 'on', decision: {}, state: { heldUntil: stack.clock.now() + 600_000 } };
    Object.assign(autoscaling, { latest: held });
    expect(await demo.start(stack.populate, false)).toMatchObject({ status: 'running' });
    const other = stack.console({ mode: 'dry-run', name: 'other' });
    await expect(other.demo.start(stack.populate, false)).rejects.toMatchObject({ code: 'scaling-demo-running' });
  });

  it('is refused while one runs, as are other changes of the consumers', async () => {
    const { stack, demo, status } = await started();
    const both = await Promise.allSettled([demo.start(stack.populate, false), demo.start(stack.populate, false)]);
    expect(both.map((each) => each.status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(() => status.requireNone()).toThrow(expect.objectContaining({ status: 409, code: 'scaling-demo-running' }));
    await stack.until(() => !status.isRunning);
    status.requireNone();
  });
});

/** A demo whose console was killed. */
async function killed(): Promise<SimulatedStack> {
  const { stack, demo, status } = await started();
  await demo.start(stack.populate, false);
  await stack.until(() => status.latest?.step === 'scale');
  await stack.until(() => stack.consumers === 3);
  // The killed process does nothing any more, and its lease ends.
  const { shared } = stack;
  const left = { ...shared, owner: null };
  shared.owner = 'killed';
  await stack.until(() => !status.isRunning);
  Object.assign(shared, left);
  stack.consumers = 3;
  stack.requested.length = 0;
  return stack;
}

describe('a console that ends during a scaling demo', () => {
  it('is followed by one that restores, and says that the demo was interrupted', async () => {
    const stack = await killed();
    const { demo, status } = stack.console({ name: 'next' });
    demo.recover();
    await stack.until(() => status.latest?.endedAt != null);
    expect(status.latest).toMatchObject({ ...END, status: 'interrupted', error: { code: 'console-stopped' } });
    expect(stack).toMatchObject(RESTORED);
    expect(stack.requested).toEqual(['scale to 1']);
  });

  it('is followed by one that restores after the lease has ended, and once MongoDB is available', async () => {
    const stack = await killed();
    Object.assign(stack.shared, { owner: 'killed', isAway: true });
    const { demo, status } = stack.console({ name: 'next' });
    demo.recover();
    await stack.seconds(5);
    stack.shared.isAway = false;
    await stack.seconds(5);
    expect([stack.limit, status.latest]).toEqual([500, null]);
    stack.shared.owner = null;
    await stack.until(() => status.latest?.endedAt != null);
    expect(stack).toMatchObject(RESTORED);
  });

  it('leaves the number of consumers of a later npm start as it is', async () => {
    const stack = await killed();
    const { demo, status } = stack.console({ name: 'next', parent: 8 });
    stack.consumers = 2;
    demo.recover();
    await stack.until(() => stack.shared.pending === null);
    // It does not wait for a number that it has not requested.
    await stack.seconds(2);
    expect(status.latest).toMatchObject(END);
    expect(stack).toMatchObject({ limit: CONFIGURED, consumers: 2, requested: [] });
  });

  it('restores before it ends, when it is stopped', async () => {
    const { stack, demo, status } = await started();
    await demo.start(stack.populate, false);
    await stack.until(() => status.latest?.step === 'scale');
    const stopped = demo.stop();
    await stack.seconds(3);
    await stopped;
    expect(status.latest).toMatchObject({ ...END, status: 'interrupted', error: { code: 'console-stopped' } });
    expect(stack).toMatchObject(RESTORED);
  });

  it('is not followed by another demo before everything is restored, which the refused start does', async () => {
    const stack = await killed();
    Object.assign(stack, { consumers: 1, lag: 0 });
    await stack.seconds(30);
    const { demo, status } = stack.console({ name: 'next' });
    await expect(demo.start(stack.populate, false)).rejects.toMatchObject({ code: 'scaling-demo-running' });
    await stack.until(() => status.latest?.endedAt != null);
    expect(stack).toMatchObject(RESTORED);
    expect(await demo.start(stack.populate, false)).toMatchObject({ status: 'running' });
  });

  it('does nothing without a demo', async () => {
    const { stack, demo, status } = await started();
    demo.recover();
    await stack.seconds(3);
    await demo.stop();
    expect([stack.requested, status.latest]).toEqual([[], null]);
  });
});

describe('MemoryDemoStore', () => {
  let shared = sharedDemo();
  itIsADemoStore(
    async () => {
      shared = sharedDemo();
      return [new MemoryDemoStore(shared, 'one'), new MemoryDemoStore(shared, 'other')];
    },
    async (limit) => void (shared.override = anOverride(limit)),
  );
});
