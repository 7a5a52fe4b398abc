import { ManualClock } from '@orders-pipeline/clock/testing';
import { type Actuator, ScalingRefusedError } from '../../autoscaling/actuators.js';
import type { SeenLoad } from '../../autoscaling/autoscaler.js';
import { AutoscalingStatus } from '../../autoscaling/autoscaling-status.js';
import type { AutoscaleMode } from '../../autoscaling/autoscaling-settings.js';
import type { ObservedConsumer } from '../../changes/observation.js';
import { PipelineChanges } from '../../changes/pipeline-changes.js';
import { ScalingDemo, ScalingDemoStatus } from '../scaling-demo.js';
import { MemoryDemoStore, sharedDemo } from './demo-stores.js';

const LIMITS = { minConsumers: 1, maxConsumers: 12, drainSeconds: 120 };
/** The limit that the consumers were started with. */
export const CONFIGURED = 6_000;
const START_SECONDS = 2;

interface ConsoleOptions {
  readonly parent?: number;
  readonly actuator?: Actuator | null;
  readonly mode?: AutoscaleMode;
  readonly name?: string;
}

interface DemoConsole {
  readonly demo: ScalingDemo;
  readonly status: ScalingDemoStatus;
  readonly autoscaling: AutoscalingStatus;
}

/** A stack whose consumers save `in flight / 0.5 s` each, and the consoles that observe it once a second. */
export class SimulatedStack {
  readonly clock = new ManualClock();
  readonly shared = sharedDemo();
  /** What was requested, in its order. */
  readonly requested: string[] = [];
  consumers = 1;
  partitions = 12;
  lag = 0;
  produced = 0;
  machineLoad = 0.3;
  /** How often the actuator fails before it works. */
  actuatorFailures = 0;
  /** The most consumers that the actuator accepts. */
  maxConsumers = 12;
  /** How often each consumer was reassigned partitions. */
  rebalances = 0;
  /** Seconds from the start of one consumer to that of the next one; 0: they start together. */
  secondsApart = 0;
  /** Saved per second by all consumers together, at most. */
  ceiling = Number.POSITIVE_INFINITY;
  isKafkaAway = false;
  private readonly changes = new PipelineChanges();
  private wanted: { count: number; at: number } | undefined;
  private readonly saved = new Map<string, number>();
  private load: SeenLoad | undefined;

  readonly actuator: Actuator = {
    foreignCounts: 'adopt',
    present: async () => this.consumers,
    set: async (count) => {
      if (this.actuatorFailures > 0) {
        this.actuatorFailures -= 1;
        throw new Error('no response');
      }
      if (count > this.maxConsumers) throw new ScalingRefusedError('beyond-bounds');
      if (count === (this.wanted?.count ?? this.consumers)) return;
      this.requested.push(`scale to ${count}`);
      this.wanted = { count, at: this.clock.now() };
    },
  };

  readonly populate = async ({ count }: { readonly count: number; readonly signal: AbortSignal }): Promise<string> => {
    this.requested.push(`populate ${count}`);
    this.lag += count;
    return 'operation-1';
  };

  /** Returns a console that has just started. */
  console({ parent = 7, actuator = this.actuator, mode = 'off', name = 'one' }: ConsoleOptions = {}): DemoConsole {
    const status = new ScalingDemoStatus();
    const autoscaling = new AutoscalingStatus(mode, LIMITS);
    const demo = new ScalingDemo({
      status,
      store: new MemoryDemoStore(this.shared, name),
      actuator,
      autoscaling,
      observe: async () => this.load,
      machineLoad: () => this.changes.machineLoad,
      clock: this.clock,
      parent,
      logger: { info: () => undefined, warn: () => undefined },
    });
    return { demo, status, autoscaling };
  }

  get limit(): number {
    const { limit } = this.shared.override ?? {};
    return typeof limit === 'number' ? limit : CONFIGURED;
  }

  async seconds(count: number): Promise<this> {
    for (let second = 0; second < count; second += 1) {
      this.pass();
      await this.clock.advance(1_000);
    }
    return this;
  }

  /** Lets time pass until something holds. @throws Error after ten minutes */
  async until(holds: () => boolean): Promise<void> {
    for (let second = 0; second < 600; second += 1) {
      if (holds()) return;
      await this.seconds(1);
    }
    throw new Error('it did not happen within ten minutes');
  }

  private pass(): void {
    const { clock, wanted } = this;
    if (wanted !== undefined && clock.now() - wanted.at >= 1_000 * START_SECONDS) {
      const isNext = this.secondsApart > 0 && this.consumers + 1 < wanted.count;
      this.consumers = isNext ? this.consumers + 1 : wanted.count;
      this.wanted = isNext ? { ...wanted, at: clock.now() + 1_000 * (this.secondsApart - START_SECONDS) } : undefined;
    }
    const capacity = Math.min(this.ceiling, (this.consumers * this.limit) / 0.5);
    const saving = Math.min(this.lag, capacity);
    this.lag -= saving;
    const consumers = new Map(Array.from({ length: this.consumers }, (_, n) => this.consumer(`c${n}`, saving)));
    const inFlightLimit = this.limit * this.consumers;
    const observation = {
      at: clock.now(),
      consumers,
      partitions: this.partitions,
      inFlight: Math.min(this.lag, inFlightLimit),
      inFlightLimit,
      lagRecords: this.lag,
      inFlightSet: this.limit,
      machineLoad: this.machineLoad,
    };
    const seen = this.isKafkaAway ? undefined : observation;
    this.changes.add(seen);
    this.load = {
      observation: seen,
      producedPerSecond: this.produced,
      savedPerSecond: saving,
      changes: this.changes.list(),
      isDisturbed: false,
      configuredConsumers: this.consumers,
    };
  }

  private consumer(id: string, saving: number): [string, ObservedConsumer] {
    const saved = (this.saved.get(id) ?? 0) + saving / this.consumers;
    this.saved.set(id, saved);
    const heartbeat = { heartbeatAt: this.clock.now(), silentMs: 0, cpuSeconds: 0, rebalances: this.rebalances };
    return [id, { name: id, state: 'ready', partitions: [0], saved, ...heartbeat }];
  }
}
