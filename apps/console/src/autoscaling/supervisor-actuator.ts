import type { ScalingTarget } from '../scaling/scaling-target.js';
import type { Supervisor } from '../scaling/supervisor.js';
import type { Actuator } from './actuator.js';

/** Scales the consumers of `npm start`, as `npm run scale` does. */
export class SupervisorActuator implements Actuator {
  /** The console receives what a person requests; while the stack starts, consumers come one after another. */
  readonly foreignCounts = 'adopt';

  /** @param observed returns how many consumers belong to the configuration; `null`: unknown */
  constructor(
    private readonly supervisor: Supervisor,
    private readonly target: ScalingTarget,
    private readonly observed: () => number | null,
  ) {}

  /** The last requested number: a consumer that died and is not replaced yet changes nothing. */
  async present(): Promise<number | null> {
    return this.target.lastRequested ?? this.observed();
  }

  async set(consumers: number): Promise<void> {
    this.supervisor.scale(consumers);
    this.target.request(consumers);
  }
}
