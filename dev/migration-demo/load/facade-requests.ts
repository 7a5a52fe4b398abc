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

/**
 * Sends requests to the instances of the facade as a load balancer does: a request whose connection breaks goes to the other instance.
 * Writes may be repeated, because they have an id.
 */
export class FacadeRequests {
  private preferred = 0;

  constructor(private readonly urls: readonly string[]) {}

  /** @returns `undefined` if no instance has answered */
  async send(path: string, init: RequestInit = {}): Promise<FacadeAnswer | undefined> {
    for (let repeats = 0; repeats < TRIES; repeats += 1) {
      const url = this.urls[this.preferred % this.urls.length] ?? '';
      try {
        const response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
        return { status: response.status, text: await response.text(), repeats };
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
        this.preferred += 1;
        if (repeats > 0) await delay(PAUSE_MS);
      }
    }
    return undefined;
  }
}
