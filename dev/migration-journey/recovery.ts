import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clients } from './clients.js';
import { requestFacade, type FacadeAddress } from './facade-requests.js';
import type { Operator } from './operator.js';

const POLL_MS = 100;
const FRESH_MS = 3_000;
const READY_TIMEOUT_MS = 3_000;
const PROBE_TIMEOUT_MS = 9_000;

export interface RecoveringSystem {
  readonly facades: readonly FacadeAddress[];
  readonly operator: Operator;
  readonly clients: Clients;
  areReady(): Promise<boolean>;
  /** Counts the writes that are not final. */
  openIntents(): Promise<number>;
}

/**
 * Waits until all apps are ready, all facades know the newest state, each has answered a read and a write, and, without requests of clients,
 * no intent is open. The clients are paused then. @returns whether that is so within the limit
 */
export async function untilRecovered(system: RecoveringSystem, withinMs: number): Promise<boolean> {
  const { facades, operator, clients } = system;
  const deadline = performance.now() + withinMs;
  const until = async (condition: () => Promise<boolean>): Promise<boolean> => {
    while (performance.now() < deadline) {
      // What does not answer has not recovered.
      if (await condition().catch(() => false)) return true;
      await delay(POLL_MS);
    }
    return false;
  };
  const isWhole = await until(async () => (await system.areReady()) && (await knowsState(operator)));
  // A circuit breaker of a facade may be open for longer than its side is away.
  const answers = await Promise.all(facades.map(async (facade) => until(async () => answersAll(facade))));
  await clients.pause();
  return isWhole && answers.every(Boolean) && (await until(async () => (await system.openIntents()) === 0));
}

/** Whether a service reports that it is ready. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // The service is starting, hangs or has ended.
    return false;
  }
}

async function knowsState(operator: Operator): Promise<boolean> {
  const { revision, change, instances } = await operator.state();
  const isCurrent = instances.every(
    (each) => each.revision === revision && Date.now() - new Date(each.refreshedAt).getTime() < FRESH_MS,
  );
  return change === null && isCurrent;
}

async function answersAll(facade: FacadeAddress): Promise<boolean> {
  const route = { next: () => [facade] };
  const order = { accountId: 'probe', side: 'buy', symbol: 'CHAOS', quantity: 1, price: 1.5, currency: 'EUR' };
  const answers = [
    await requestFacade(route, '/orders/range?start=1&end=1', PROBE_TIMEOUT_MS),
    await requestFacade(route, '/orders', PROBE_TIMEOUT_MS, { id: randomUUID(), ...order }),
  ];
  return answers.every(({ status }) => status !== null && status < 500);
}
