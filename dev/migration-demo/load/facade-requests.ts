import { setTimeout as delay } from 'node:timers/promises';

export interface FacadeAnswer {
  readonly status: number;
  readonly text: string;
  /** How often an instance dropped the connection before. */
  readonly repeats: number;
}

const TIMEOUT_MS = 20_000;
const TRIES = 4;
const PAUSE_MS = 100;

/** How long an instance gets no requests after one has failed. */
const AVOIDED_MS = 1_000;

/**
 * Sends requests to the instances of the facade as a load balancer does: a request whose connection breaks goes to the next instance.
 * Writes may be repeated, because they have an id.
 */
export class FacadeRequests {
  private avoidedUntil = 0;

  /** @param urls the first one is the client's own, as long as it works */
  constructor(private readonly urls: readonly string[]) {}

  /** @returns `undefined` if no instance has answered */
  async send(path: string, init: RequestInit = {}): Promise<FacadeAnswer | undefined> {
    const first = performance.now() < this.avoidedUntil ? 1 : 0;
    for (let repeats = 0; repeats < TRIES; repeats += 1) {
      const at = (first + repeats) % this.urls.length;
      try {
        const response = await fetch(`${this.urls[at]}${path}`, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
        return { status: response.status, text: await response.text(), repeats };
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
        if (at === 0) this.avoidedUntil = performance.now() + AVOIDED_MS;
        if (repeats > 0) await delay(PAUSE_MS);
      }
    }
    return undefined;
  }
}
