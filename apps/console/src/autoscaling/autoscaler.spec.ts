import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { Actuator } from './actuator.js';
import { Autoscaler, type SeenLoad } from './autoscaler.js';
import type { KeptDecision } from './autoscaler-store.js';
import type { AutoscaleMode } from './autoscaling-settings.js';
import { AutoscalingStatus } from './autoscaling-status.js';
import { MemoryAutoscalerStore, sharedAutoscaler, type SharedAutoscaler } from './testing/memory-autoscaler-store.js';

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
  lag = 0;
  arrival = 0;
  isActuatorAway = false;
  isObserved = true;

  readonly actuator: Actuator = {
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
    name: string,
    mode: AutoscaleMode = 'on',
    limits = LIMITS,
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

  /** Lets a second pass, and turns the autoscalers. */
  async second(...autoscalers: Autoscaler[]): Promise<void> {
    await this.clock.advance(1_000);
    this.lag = Math.max(0, this.lag + this.arrival - RATE * this.consumers);
    for (const each of autoscalers) await each.turn();
  }

  async seconds(count: number, ...autoscalers: Autoscaler[]): Promise<void> {
    for (let passed = 0; passed < count; passed += 1) await this.second(...autoscalers);
  }

  private load(): SeenLoad {
    const { consumers, lag } = this;
    const inFlightLimit = 1_000 * consumers;
    const one = { name: 'consumer-1', state: 'ready', partitions: [0], silentMs: 0 } as const;
    return {
      observation: {
        at: this.clock.now(),
        consumers: new Map(Array.from({ length: consumers }, (_, n) => [`c${n}`, one])),
        partitions: 60,
        inFlight: Math.min(lag, inFlightLimit),
        inFlightLimit,
        lagRecords: lag,
        inFlightSet: 1_000,
        progress: new Map(),
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
    const { autoscaler, status } = around.autoscaler('one');
    around.arrival = 8_000;
    await around.seconds(60, autoscaler);
    expect(around.requested).toHaveLength(1);
    expect(around.consumers).toBeGreaterThan(3);
    expect(around.kept).toMatchObject([
      { kind: 'up', reason: 'goal-at-risk', from: 1, to: around.consumers, mode: 'on' },
    ]);
    expect(around.shared.decisions).toEqual(around.kept);
    expect(status.latest?.state?.wanted).toBe(around.consumers);
    expect(status.newest).toEqual(around.kept[0]);
  });

  it('changes nothing in a dry run, and keeps a proposal once', async () => {
    const around = new Surroundings();
    const { autoscaler } = around.autoscaler('one', 'dry-run');
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
    const { autoscaler } = around.autoscaler('one', 'on', { ...LIMITS, minConsumers: 3 });
    await around.seconds(3, autoscaler);
    expect([around.requested, around.kept]).toMatchObject([[3], [{ kind: 'up', reason: 'limits', from: 1, to: 3 }]]);
  });

  it('decides in one of two consoles; the other one goes on from its state when it ends', async () => {
    const around = new Surroundings();
    const [one, other] = [around.autoscaler('one'), around.autoscaler('other')];
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
    const { autoscaler, status } = around.autoscaler('one');
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
    const { autoscaler, status } = around.autoscaler('one');
    await around.seconds(10, autoscaler);
    around.consumers = 3;
    await around.seconds(10, autoscaler);
    expect(status.latest?.decision).toMatchObject({ reason: 'held-by-hand', to: 3 });
  });

  it('says why it can not act, and goes on when it can', async () => {
    const around = new Surroundings();
    const { autoscaler, status } = around.autoscaler('one');
    around.isActuatorAway = true;
    await around.seconds(3, autoscaler);
    expect(status.failure).toBe('no response');
    expect(around.log).toEqual(['{"reason":"no response"}']);
    around.isActuatorAway = false;
    await around.second(autoscaler);
    expect(status.failure).toBeNull();
  });

  it('runs once a second until it is stopped, and gives the lease up', async () => {
    const around = new Surroundings();
    const { autoscaler, status } = around.autoscaler('one');
    autoscaler.start();
    await around.clock.advance(5_000);
    expect(status.latest).not.toBeNull();
    const stopped = autoscaler.stop();
    await around.clock.advance(1_000);
    await stopped;
    expect(around.shared.owner).toBeNull();
  });
});
