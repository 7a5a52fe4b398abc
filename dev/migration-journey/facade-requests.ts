import { setTimeout as delay } from 'node:timers/promises';

/** A facade, at the same address after each restart. */
export interface FacadeAddress {
  readonly name: string;
  readonly url: string;
}

/** What came of a request. */
export interface FacadeAnswer {
  /** The facade that answered, or the last one that was tried. */
  readonly facade: string;
  /** `null`: no facade has answered as a whole. */
  readonly status: number | null;
  /** The body, or why there is none. */
  readonly text: string;
  /** How often a facade dropped the connection before. */
  readonly repeats: number;
}

/** Chooses the facades that a request tries in turn, until one answers. */
export interface Route {
  next(): readonly FacadeAddress[];
  /** Called for each facade whose connection broke. */
  broke?(facade: FacadeAddress): void;
}

const PAUSE_MS = 100;
/** How long a facade gets no requests after one has failed. */
const AVOIDED_MS = 1_000;
const TRIES = 4;

/** The route of a load balancer: a request whose connection breaks goes to the next facade. The first one is the client's own. */
export class BalancedRoute implements Route {
  private avoidedUntil = 0;

  constructor(private readonly facades: readonly FacadeAddress[]) {}

  next(): readonly FacadeAddress[] {
    const first = performance.now() < this.avoidedUntil ? 1 : 0;
    return Array.from({ length: TRIES }, (_, at) => this.facades[(first + at) % this.facades.length]).flatMap(
      (facade) => facade ?? [],
    );
  }

  broke(facade: FacadeAddress): void {
    if (facade === this.facades[0]) this.avoidedUntil = performance.now() + AVOIDED_MS;
  }
}

/** Sends a request along a route. A write may be repeated if it has an id. */
export async function requestFacade(
  route: Route,
  path: string,
  timeoutMs: number,
  body?: object,
): Promise<FacadeAnswer> {
  let last: FacadeAnswer = { facade: '', status: null, text: 'there is no facade', repeats: 0 };
  for (const [repeats, facade] of route.next().entries()) {
    if (repeats > 1) await delay(PAUSE_MS);
    try {
      const response = await fetch(`${facade.url}${path}`, {
        signal: AbortSignal.timeout(timeoutMs),
        ...(body !== undefined && {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      });
      return { facade: facade.name, status: response.status, text: await response.text(), repeats };
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
      route.broke?.(facade);
      last = { facade: facade.name, status: null, text: reasonOf(error), repeats };
    }
  }
  return last;
}

/** Formats an error in one line, with its cause: an error of `fetch` has its reason there. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
