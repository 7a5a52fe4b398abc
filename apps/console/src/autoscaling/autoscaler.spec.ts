import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { Registry } from 'prom-client';
import type { Decision } from '#autoscaling/decision.js';
import { loadSettings } from '#service/settings/settings.js';
import { settingsSchema } from '../settings-schema.js';
import { localServer } from '../testing/local-server.js';
import { HelperActuator, ScalingRefusedError, type Actuator } from './actuators.js';
import { Autoscaler, DecisionNews, type SeenLoad } from './autoscaler.js';
import type { KeptDecision, StoredAutoscaler } from './autoscaler-store.js';
import { exposeAutoscaling, AutoscalingStatus } from './autoscaling-status.js';
import { autoscaleLimits, type AutoscaleMode } from './autoscaling-settings.js';
import { STEP_UP } from './testing/a-decision.js';
import {
  itIsAnAutoscalerStore,
  MemoryAutoscalerStore,
  sharedAutoscaler,
  type SharedAutoscaler,
} from './testing/autoscaler-stores.js';

const LIMITS = { minConsumers: 1, maxConsumers: 12, drainSeconds: 120 };
const RATE = 2_000;

/** Consumers that save as fast as their number allows, and those who set it. */
class Surroundings {
  readonly clock = new ManualClock();
  readonly shared: SharedAutoscaler = sharedAutoscaler();
  readonly kept: KeptDecision[] = [];
  readonly requested: number[] = [];
  readonly log: string[] = [];
  consumers = 1;
  arrival = 0;
  isActuatorAway = false;
  isObserved = true;
  private lag = 0;

  private readonly actuator: Actuator = {
    foreignCounts: 'hold',
    present: async () => {
      if (this.isActuatorAway) throw new Error('no response');
      return this.consumers;
    },
    set: async (count) => {
      this.requested.push(count);
      this.consumers = count;
    },
  };

  autoscaler(
    mode: AutoscaleMode = 'on',
    limits = LIMITS,
    name = 'one',
  ): { autoscaler: Autoscaler; status: AutoscalingStatus } {
    const status = new AutoscalingStatus(mode, limits);
    const autoscaler = new Autoscaler({
      status,
      store: new MemoryAutoscalerStore(this.shared, name),
      actuator: this.actuator,
      observe: () => (this.isObserved ? this.load() : undefined),
      onKept: (decision) => this.kept.push(decision),
      clock: this.clock,
      logger: { info: () => undefined, warn: (fields: unknown) => this.log.push(JSON.stringify(fields)) },
    });
    return { autoscaler, status };
  }

  /** Lets seconds pass, and runs a cycle of each autoscaler in each. */
  async seconds(count: number, ...autoscalers: Autoscaler[]): Promise<void> {
    for (let passed = 0; passed < count; passed += 1) {
      await this.clock.advance(1_000);
      this.lag = Math.max(0, this.lag + this.arrival - RATE * this.consumers);
      for (const each of autoscalers) await each.cycle();
    }
  }

  private load(): SeenLoad {
    const { consumers, lag } = this;
    const inFlightLimit = 1_000 * consumers;
    const counters = { heartbeatAt: this.clock.now(), saved: 0, cpuSeconds: 0, rebalances: 0 };
    const one = { name: 'consumer-1', state: 'ready', partitions: [0], silentMs: 0, ...counters } as const;
    return {
      observation: {
        at: this.clock.now(),
        consumers: new Map(Array.from({ length: consumers }, (_, n) => [`c${n}`, one])),
        partitions: 60,
        inFlight: Math.min(lag, inFlightLimit),
        inFlightLimit,
        lagRecords: lag,
        inFlightSet: 1_000,
        machineLoad: 0.5,
      },
      producedPerSecond: this.arrival,
      savedPerSecond: Math.min(RATE * consumers, this.lag + this.arrival),
      changes: [],
      isDisturbed: false,
      configuredConsumers: consumers,
    };
  }
}

describe('the autoscaler', () => {
  it('carries a step out, keeps the decision, and reports it', async () => {
    const around = new Surroundings();
    const { autoscaler, status } = around.autoscaler();
    around.arrival = 8_000;
    await around.seconds(60, autoscaler);
    expect(around.requested).toHaveLength(1);
    expect(around.consumers).toBeGreaterThan(3);
    const step = { kind: 'up', reason: 'goal-at-risk', from: 1, to: around.consumers, mode: 'on' };
    expect(around.kept).toMatchObject([step]);
    expect(around.shared.decisions).toEqual(around.kept);
    expect(status.latest?.state?.wanted).toBe(around.consumers);
    expect(status.newest).toEqual(around.kept[0]);
  });

  it('changes nothing in a dry run, and keeps a proposal once', async () => {
    const around = new Surroundings();
    const { autoscaler } = around.autoscaler('dry-run');
    around.arrival = 8_000;
    await around.seconds(60, autoscaler);
    expect([around.requested, around.consumers]).toEqual([[], 1]);
    const proposals = around.kept.map(({ kind, mode }) => `${kind} ${mode}`);
    expect(new Set(proposals)).toEqual(new Set(['up dry-run']));
    expect(proposals.length).toBeLessThanOrEqual(5);
  });

  it('raises the number to its minimum before anything else is observed', async () => {
    const around = new Surroundings();
    around.isObserved = false;
    const { autoscaler } = around.autoscaler('on', { ...LIMITS, minConsumers: 3 });
    await around.seconds(3, autoscaler);
    expect([around.requested, around.kept]).toMatchObject([[3], [{ kind: 'up', reason: 'limits', from: 1, to: 3 }]]);
  });

  it('decides in one of two consoles; the other one goes on from its state when it ends', async () => {
    const around = new Surroundings();
    const [one, other] = [around.autoscaler(), around.autoscaler('on', LIMITS, 'other')];
    around.arrival = 8_000;
    await around.seconds(40, one.autoscaler, other.autoscaler);
    expect(around.requested).toHaveLength(1);
    expect([one.status.isStandby, other.status.isStandby]).toEqual([false, true]);
    expect(other.status.latest?.state?.wanted).toBe(around.consumers);
    await one.autoscaler.stop();
    await around.seconds(5, other.autoscaler);
    expect(other.status.isStandby).toBe(false);
    expect(other.status.latest?.state?.ratePerConsumer).not.toBeNull();
    expect(around.requested).toHaveLength(1);
  });

  it('keeps what a person has requested, until it is resumed', async () => {
    const around = new Surroundings();
    const { autoscaler, status } = around.autoscaler();
    await around.seconds(10, autoscaler);
    status.noteByHand(4);
    around.consumers = 4;
    await around.seconds(600, autoscaler);
    expect([around.requested, around.consumers]).toEqual([[], 4]);
    expect(around.kept).toMatchObject([{ kind: 'keep', reason: 'held-by-hand', to: 4 }]);
    await new MemoryAutoscalerStore(around.shared, 'other').requestResume();
    await around.seconds(600, autoscaler);
    expect(around.requested).toEqual([1]);
  });

  it('holds when the number was changed without the console', async () => {
    const around = new Surroundings();
    const { autoscaler, status } = around.autoscaler();
    await around.seconds(10, autoscaler);
    around.consumers = 3;
    await around.seconds(10, autoscaler);
    expect(status.latest?.decision).toMatchObject({ reason: 'held-by-hand', to: 3 });
  });

  it('says why it can not act, and goes on when it can', async () => {
    const around = new Surroundings();
    const { autoscaler, status } = around.autoscaler();
    around.isActuatorAway = true;
    await around.seconds(3, autoscaler);
    expect(status.failure).toBe('no response');
    expect(around.log).toEqual(['{"reason":"no response"}']);
    around.isActuatorAway = false;
    await around.seconds(1, autoscaler);
    expect(status.failure).toBeNull();
  });

  it('runs once a second until it is stopped, and gives the lease up', async () => {
    const around = new Surroundings();
    const { autoscaler, status } = around.autoscaler();
    autoscaler.start();
    await around.clock.advance(5_000);
    expect(status.latest).not.toBeNull();
    const stopped = autoscaler.stop();
    await around.clock.advance(1_000);
    await stopped;
    expect(around.shared.owner).toBeNull();
  });

  it('exposes the wanted number, and counts the decisions by kind and reason', async () => {
    const registry = new Registry();
    const status = new AutoscalingStatus('on', LIMITS);
    const count = exposeAutoscaling(status, registry);
    expect(await registry.metrics()).not.toContain('pipeline_desired_consumers{');
    status.latest = { mode: 'on', state: { wanted: 4 } } as StoredAutoscaler;
    count({ kind: 'up', reason: 'goal-at-risk' } as KeptDecision);
    const metrics = await registry.metrics();
    expect(metrics).toContain('pipeline_desired_consumers{mode="on"} 4');
    expect(metrics).toContain('pipeline_autoscaling_decisions_total{kind="up",reason="goal-at-risk"} 1');
  });
});

describe('MemoryAutoscalerStore', () => {
  itIsAnAutoscalerStore(async () => {
    const shared = sharedAutoscaler();
    return [new MemoryAutoscalerStore(shared, 'one'), new MemoryAutoscalerStore(shared, 'other')];
  });
});

describe('the decisions that are kept', () => {
  const up: Decision = STEP_UP;
  const keep: Decision = { ...up, kind: 'keep', reason: 'enough', to: 2 };
  const bound: Decision = { ...keep, reason: 'bound' };
  const held: Decision = { ...keep, reason: 'held-by-hand' };
  const measuring: Decision = { ...keep, reason: 'measuring' };
  const helped: Decision = {
    ...keep,
    reason: 'helped',
    verdict: { from: 2, to: 4, at: 0, outcome: 'faster', factor: 1.9, bound: null },
  };
  const longBound = Array.from({ length: 301 }, (_, second) => (second % 2 === 0 ? bound : keep));

  it.each<[string, AutoscaleMode, Decision[], number[]]>([
    ['steps and verdicts, and not that all is well', 'on', [keep, up, measuring, helped, keep], [1, 3]],
    ['a new reason to wait', 'on', [bound, bound, keep, bound], [0]],
    ['a reason to wait once in five minutes', 'on', longBound, [0, 300]],
    ['the end of a hold', 'on', [held, held, keep, keep], [0, 2]],
    ['a proposal of a dry run once, and another one at once', 'dry-run', [up, up, up, { ...up, to: 6 }], [0, 3]],
  ])('are %s', (_, mode, decisions, kept) => {
    const news = new DecisionNews(mode);
    const seconds = [...decisions.keys()].filter((second) => news.isNews(decisions[second] ?? keep, 1_000 * second));
    expect(seconds).toEqual(kept);
  });
});

describe('the helper that sets the number of consumers', () => {
  let answer: { readonly status: number; readonly body: object };
  const requests: string[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    requests.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`.trim());
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  };
  const server = localServer((request, response) => void respond(request, response));
  beforeEach(() => void requests.splice(0));

  const helper = (): HelperActuator => new HelperActuator(server.url, 'a-secret-token');

  it('is asked for the number, and requested to set one, with the token', async () => {
    answer = { status: 200, body: { replicas: 4, running: 3 } };
    expect(await helper().present()).toBe(4);
    await helper().set(6);
    expect(requests).toEqual([
      'GET /consumers/replicas Bearer a-secret-token',
      'PUT /consumers/replicas Bearer a-secret-token {"replicas":6}',
    ]);
  });

  it('refuses with its own words, which never contain the token', async () => {
    answer = { status: 422, body: { code: 'beyond-limits', detail: 'at most 8' } };
    const refused = new HelperActuator(`${server.url}/`, 'a-secret-token').set(9);
    await expect(refused).rejects.toThrow(/^PUT .*\/consumers\/replicas returned 422: .*at most 8/);
    await expect(refused).rejects.not.toThrow(/secret/);
  });

  it.each([
    [409, 'beyond-bounds', true],
    [403, 'forbidden', true],
    [409, 'update-in-progress', false],
    [429, 'too-many-requests', false],
    [503, 'engine-away', false],
  ])('refuses for good with %i %s: %s', async (status, code, isFinal) => {
    answer = { status, body: { code } };
    const error: unknown = await helper()
      .set(9)
      .catch((thrown: unknown) => thrown);
    expect([error instanceof Error, error instanceof ScalingRefusedError]).toEqual([true, isFinal]);
  });

  it('is wrong when it answers something else', async () => {
    answer = { status: 200, body: { replicas: 'many' } };
    await expect(helper().present()).rejects.toThrow(/replicas/);
  });
});

describe('the settings of the autoscaler', () => {
  it('are off by default', () => {
    expect(loadSettings(settingsSchema, {}).AUTOSCALE).toBe('off');
  });

  it.each<[string, NodeJS.ProcessEnv, object]>([
    ['as many consumers as partitions at most', {}, LIMITS],
    ['64 consumers at most', { TOPIC_PARTITIONS: '100' }, { ...LIMITS, maxConsumers: 64 }],
    [
      'a fixed number of consumers',
      { TOPIC_PARTITIONS: '6', AUTOSCALE_MAX_CONSUMERS: '6', AUTOSCALE_MIN_CONSUMERS: '6' },
      { ...LIMITS, minConsumers: 6, maxConsumers: 6 },
    ],
  ])('allow %s', (_, env, limits) => {
    expect(autoscaleLimits(loadSettings(settingsSchema, env))).toEqual(limits);
  });

  it.each<[NodeJS.ProcessEnv, string]>([
    [
      { AUTOSCALE_MIN_CONSUMERS: '5', AUTOSCALE_MAX_CONSUMERS: '4' },
      'AUTOSCALE_MIN_CONSUMERS must be an integer from 1 to 1,000, got "5", which is above AUTOSCALE_MAX_CONSUMERS, 4',
    ],
    [
      { AUTOSCALE_MAX_CONSUMERS: '13' },
      'AUTOSCALE_MAX_CONSUMERS must be an integer from 1 to 1,000, got "13", which is above the number of partitions, TOPIC_PARTITIONS, 12: each partition has one consumer',
    ],
    [{ AUTOSCALE: 'yes' }, 'AUTOSCALE must be one of off, dry-run, on, got "yes"'],
    [{ AUTOSCALE_DRAIN_SECONDS: '0' }, 'AUTOSCALE_DRAIN_SECONDS must be an integer from 10 to 86,400'],
    [{ AUTOSCALE_ACTUATOR_URL: 'http://scaler:3020' }, 'AUTOSCALE_ACTUATOR_URL needs AUTOSCALE_ACTUATOR_TOKEN'],
  ])('refuse %j by name', (env, message) => {
    expect(() => loadSettings(settingsSchema, env)).toThrow(message);
  });
});
