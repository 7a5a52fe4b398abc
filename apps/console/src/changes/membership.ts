import { timeLimit } from '#orders/time-limit.js';
import { isAlive } from '../pipeline/consumer-state.js';
import { areOwned, isCalm, livingOf, type Observation, type ObservedConsumer } from './observation.js';

/** After this time a consumer that died and was not replaced no longer belongs to the configuration. */
const REPLACED_WITHIN_MS = timeLimit(120_000);

interface MembershipEvents {
  /** The consumers that have died since the last observation, by id. */
  readonly died: ReadonlyMap<string, ObservedConsumer>;
  /** Ids of consumers that counted as dead and send heartbeats again. */
  readonly returned: readonly string[];
}

/**
 * Follows which consumers belong to the configuration. A crash does not change the configuration, and neither does the process that replaces
 * the dead one under its name: only consumers that are added or that drain do.
 */
export class Membership {
  private readonly present = new Set<string>();
  /** Consumers that died and are not replaced, with the time. */
  private readonly missing = new Map<string, { readonly name: string; readonly at: number }>();

  /** How many consumers are configured. */
  get size(): number {
    return this.present.size + this.missing.size;
  }

  add({ at, consumers }: Observation): MembershipEvents {
    const died = this.removeDead(at, consumers);
    for (const [id, missing] of this.missing) if (at - missing.at > REPLACED_WITHIN_MS) this.missing.delete(id);
    return { died, returned: this.addLiving(consumers) };
  }

  private removeDead(at: number, consumers: Observation['consumers']): Map<string, ObservedConsumer> {
    const died = new Map<string, ObservedConsumer>();
    for (const id of this.present) {
      const consumer = consumers.get(id);
      if (consumer === undefined || consumer.state === 'draining') this.present.delete(id);
      else if (consumer.state === 'dead') {
        this.present.delete(id);
        this.missing.set(id, { name: consumer.name, at });
        died.set(id, consumer);
      }
    }
    return died;
  }

  private addLiving(consumers: Observation['consumers']): string[] {
    const returned: string[] = [];
    for (const [id, consumer] of consumers) {
      if (!isAlive(consumer) || consumer.state === 'draining' || this.present.has(id)) continue;
      this.present.add(id);
      if (this.missing.delete(id)) returned.push(id);
      else this.replaceMissing(consumer.name);
    }
    return returned;
  }

  private replaceMissing(name: string): void {
    for (const [id, missing] of this.missing)
      if (missing.name === name) {
        this.missing.delete(id);
        return;
      }
  }
}

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

  private isReplaced(observation: Observation): boolean {
    if (observation.at - this.at >= REPLACEMENT_MS) return true;
    return [...livingOf(observation)].some(([id, { name }]) => id === this.id || name === this.name);
  }
}
