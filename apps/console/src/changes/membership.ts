import { isAlive } from '../consumers/consumer-state.js';
import type { Observation, ObservedConsumer } from './observation.js';
import { timeLimit } from '#orders/time-limit.js';

/** After this time a consumer that died and was not replaced no longer belongs to the configuration. */
const REPLACED_WITHIN_MS = timeLimit(120_000);

export interface MembershipEvents {
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
