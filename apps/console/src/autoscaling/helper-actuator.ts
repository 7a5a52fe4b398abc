import { z } from 'zod';
import type { Actuator } from './actuator.js';
import { timeLimit } from '#orders/time-limit.js';

const WITHIN_MS = timeLimit(5_000);
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

  /** @throws Error when the helper does not answer, or refuses */
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
    if (!response.ok)
      throw new Error(`${method} ${this.address.href} returned ${response.status}: ${text.slice(0, 200)}`);
    return ReplicasSchema.parse(JSON.parse(text));
  }
}
