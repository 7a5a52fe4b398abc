import { z } from 'zod';
import { timeLimit } from '#orders/time-limit.js';
import type { ScalingTarget, Supervisor } from '../scaling/scaling-target.js';
import type { ConsoleSettings } from '../settings-schema.js';

/** Sets the number of consumers where they run. */
export interface Actuator {
  /** What a number means that it has not been asked for: a person has set it, or consumers come and go. */
  readonly foreignCounts: 'hold' | 'adopt';
  /** Returns how many consumers there should be; `null`: not known now. */
  present(): Promise<number | null>;
  /**
   * Requests a number; consumers start or drain later. Repeating a request changes nothing.
   * @throws ScalingRefusedError for a number that can't be set, or the error of a helper that does not answer
   */
  set(consumers: number): Promise<void>;
}

/** The helper will never accept the number: it is beyond its bounds, or the console has no right. */
export class ScalingRefusedError extends Error {
  override readonly name = 'ScalingRefusedError';
}

const WITHIN_MS = timeLimit(5_000);
/** Of a number or a token that is wrong. Not 429, after which a later request can succeed. */
const FINAL_STATUSES: ReadonlySet<number> = new Set([400, 401, 403, 404, 409, 422]);
/** Swarm's service is being updated, which ends by itself. */
const UPDATING = 'update-in-progress';
const ReplicasSchema = z.object({ replicas: z.int().min(0) });

/** Scales consumers through a helper over HTTP, such as `swarm-scaler`: it alone may change the service, within its own limits. */
export class HelperActuator implements Actuator {
  /** `docker service scale` changes the number. */
  readonly foreignCounts = 'hold';
  private readonly address: URL;

  constructor(
    url: string,
    private readonly token: string,
  ) {
    this.address = new URL('consumers/replicas', url.endsWith('/') ? url : `${url}/`);
  }

  /** @throws Error when the helper does not answer, or refuses */
  async present(): Promise<number | null> {
    return (await this.request('GET')).replicas;
  }

  /** @throws ScalingRefusedError when the helper refuses for good, Error when it does not answer or can't now */
  async set(consumers: number): Promise<void> {
    await this.request('PUT', { replicas: consumers });
  }

  private async request(method: string, body?: object): Promise<z.infer<typeof ReplicasSchema>> {
    const response = await fetch(this.address, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    const text = await response.text();
    if (!response.ok) {
      const reason = `${method} ${this.address.href} returned ${response.status}: ${text.slice(0, 200)}`;
      const isFinal = FINAL_STATUSES.has(response.status) && !text.includes(UPDATING);
      throw isFinal ? new ScalingRefusedError(reason) : new Error(reason);
    }
    return ReplicasSchema.parse(JSON.parse(text));
  }
}

/**
 * Returns what sets the number of consumers: a helper, or `npm start`; `null`: another scaler, such as KEDA, asks for it.
 * @param observed returns how many consumers belong to the configuration; `null`: unknown
 */
export function chooseActuator(
  settings: Pick<ConsoleSettings, 'SCALED_BY' | 'AUTOSCALE_ACTUATOR_URL' | 'AUTOSCALE_ACTUATOR_TOKEN'>,
  supervisor: Supervisor,
  target: ScalingTarget,
  observed: () => number | null,
): Actuator | null {
  const { SCALED_BY, AUTOSCALE_ACTUATOR_URL: url, AUTOSCALE_ACTUATOR_TOKEN: token } = settings;
  if (url !== undefined && token !== undefined) return new HelperActuator(url, token);
  if (SCALED_BY !== 'supervisor') return null;
  return {
    // The console receives what a person requests; while the stack starts, consumers come one after another.
    foreignCounts: 'adopt',
    // The last requested number: a consumer that died and is not replaced yet changes nothing.
    present: async () => target.lastRequested ?? observed(),
    set: async (consumers) => void supervisor.scale(consumers),
  };
}
