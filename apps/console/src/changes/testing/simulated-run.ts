import type { ConsumerState } from '../../consumers/consumer-state.js';
import type { ConsumerProgress, Observation, ObservedConsumer } from '../observation.js';
import { PipelineChanges } from '../pipeline-changes.js';

interface Second {
  readonly consumers: number;
  readonly each?: number;
  /** `null`: the consumers differ. */
  readonly inFlightSet?: number | 'auto' | null;
  readonly lag?: number;
}

/** Simulates consumers that each save a fixed number of orders per second, observed once a second. Partition n belongs to consumer n. */
export class SimulatedRun {
  readonly changes = new PipelineChanges();
  private second = 0;
  private readonly progress = new Map<string, ConsumerProgress>();
  /** Consumers beside the numbered ones, and those whose state differs. */
  private readonly others = new Map<string, ObservedConsumer>();

  seconds(count: number, set: Second): this {
    for (let second = 0; second < count; second += 1) this.observe(set);
    return this;
  }

  unknown(): this {
    this.second += 1;
    this.changes.add(undefined);
    return this;
  }

  rebalance(): this {
    for (const [id, progress] of this.progress)
      this.progress.set(id, { ...progress, rebalances: progress.rebalances + 1 });
    return this;
  }

  /** Sets what the following observations say about one consumer; `null`: nothing special. */
  set(id: string, state: ConsumerState | null, others: Partial<ObservedConsumer> = {}): this {
    if (state === null) this.others.delete(id);
    else this.others.set(id, { name: id, state, partitions: [Number(id.slice(1))], silentMs: 0, ...others });
    return this;
  }

  private observe({ consumers: count, each = 2_000, inFlightSet = 1_000, lag = 100_000 }: Second): void {
    this.second += 1;
    const consumers = new Map<string, ObservedConsumer>(
      Array.from(
        { length: count },
        (_, n) => [`c${n}`, { name: `c${n}`, state: 'ready', partitions: [n], silentMs: 0 }] as const,
      ),
    );
    for (const [id, consumer] of this.others) consumers.set(id, consumer);
    const alive = [...consumers].filter(([, { state }]) => state !== 'dead').map(([id]) => id);
    for (const id of this.progress.keys()) if (!alive.includes(id)) this.progress.delete(id);
    for (const id of alive) {
      const { saved, rebalances } = this.progress.get(id) ?? { saved: 0, rebalances: 1 };
      const cpuSeconds = this.second * 0.2;
      this.progress.set(id, { at: this.second * 1_000, saved: saved + each, cpuSeconds, rebalances });
    }
    const inFlightLimit = alive.length * (inFlightSet === 'auto' ? 5_000 : (inFlightSet ?? 750));
    const observation: Observation = {
      at: this.second * 1_000,
      consumers,
      partitions: 12,
      inFlight: Math.min(lag, inFlightLimit),
      inFlightLimit,
      lagRecords: lag,
      inFlightSet,
      progress: new Map(this.progress),
      machineLoad: 0.5,
    };
    this.changes.add(observation);
  }
}
