import { isAlive } from '../consumers/consumer-state.js';
import { areOwned, isCalm, type Observation, type ObservedConsumer } from './observation.js';

/** How long a crash waits for the process that replaces the dead one. */
const REPLACEMENT_MS = 20_000;
/** Rebalances this long after the crash has settled still belong to it: heartbeats report them late. */
const AFTERMATH_MS = 5_000;
/** A crash that never settles, such as that of the only consumer, no longer delays verdicts after this time. */
const LONGEST_MS = 60_000;

/** The death of a consumer, until its partitions are assigned to others and the process that replaces it works. */
export class Crash {
  readonly kind = 'crash';
  private reassignedAt: number | null = null;
  private settledAt: number | null = null;
  private hasReturned = false;

  /** @param at when it sent its last heartbeat: it has done nothing since */
  constructor(
    readonly at: number,
    private readonly id: string,
    private readonly consumer: ObservedConsumer,
  ) {}

  get name(): string {
    return this.consumer.name;
  }

  /** What the API reports about the crash. */
  get report() {
    const { reassignedAt, hasReturned } = this;
    return {
      consumer: this.name,
      partitions: this.consumer.partitions.length,
      reassignedAfterSeconds: reassignedAt === null ? null : Math.round((reassignedAt - this.at) / 1_000),
      hasReturned,
    };
  }

  isOf(id: string): boolean {
    return id === this.id;
  }

  add(observation: Observation): void {
    if (this.settledAt !== null) return;
    if (this.reassignedAt === null && areOwned(observation, this.consumer.partitions))
      this.reassignedAt = observation.at;
    if (this.reassignedAt !== null && isCalm(observation) && this.isReplaced(observation))
      this.settledAt = observation.at;
  }

  /** The consumer was only silent, such as a stopped process that continues. */
  markReturned(): void {
    this.hasReturned = true;
  }

  /** Returns whether figures and rebalances are still an effect of the crash. */
  isDisturbing(now: number): boolean {
    return now - (this.settledAt ?? this.at) <= (this.settledAt === null ? LONGEST_MS : AFTERMATH_MS);
  }

  private isReplaced({ at, consumers }: Observation): boolean {
    if (at - this.at >= REPLACEMENT_MS) return true;
    return [...consumers].some(([id, each]) => isAlive(each) && (id === this.id || each.name === this.name));
  }
}
