import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { StoredChecks } from '../checks/stored-checks.js';
import type { Clients } from '../clients/clients.js';
import { requestFacade } from '../clients/facade-request.js';
import type { Ground } from '../faults/migration-fault.js';
import type { FacadeAddress } from '../ground/migration-apps.js';
import type { StageDriver } from './stage-driver.js';

const POLL_MS = 100;
const FRESH_MS = 3_000;

interface Parts {
  readonly ground: Ground;
  readonly driver: StageDriver;
  readonly clients: Clients;
  readonly checks: StoredChecks;
}

/**
 * Waits until all apps are ready, all facades know the newest state, each has answered a read and a write, and, without requests of clients,
 * no intent is open. The clients are paused then. @returns whether that is so within the limit
 */
export async function untilRecovered({ ground, driver, clients, checks }: Parts, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  const until = async (condition: () => Promise<boolean>): Promise<boolean> => {
    while (performance.now() < deadline) {
      // What does not answer has not recovered.
      if (await condition().catch(() => false)) return true;
      await delay(POLL_MS);
    }
    return false;
  };
  const isWhole = await until(async () => (await ground.apps.areReady()) && (await knowsState(driver)));
  // A circuit breaker of a facade may be open for longer than its side is away.
  const answers = await Promise.all(ground.apps.facades.map(async (facade) => until(async () => answersAll(facade))));
  await clients.pause();
  return isWhole && answers.every(Boolean) && (await until(async () => (await checks.openIntents()) === 0));
}

async function knowsState(driver: StageDriver): Promise<boolean> {
  const { revision, change, instances } = await driver.state();
  const isCurrent = instances.every(
    (each) => each.revision === revision && Date.now() - new Date(each.refreshedAt).getTime() < FRESH_MS,
  );
  return change === null && isCurrent;
}

async function answersAll(facade: FacadeAddress): Promise<boolean> {
  const order = { accountId: 'probe', side: 'buy', symbol: 'CHAOS', quantity: 1, price: 1.5, currency: 'EUR' };
  const answers = [
    await requestFacade(facade, '/orders/range?start=1&end=1'),
    await requestFacade(facade, '/orders', { id: randomUUID(), ...order }),
  ];
  return answers.every((answer) => !('type' in answer));
}
