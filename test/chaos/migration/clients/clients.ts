import { createDraws } from '#orders/generator/draws.js';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import type { History } from '../../history/history.js';
import type { FacadeAddress } from '../ground/migration-apps.js';
import { Client } from './client.js';
import { WrittenOrders, type WrittenOrder } from './written-orders.js';

const CLIENTS = 6;
const ACCOUNTS_EACH = 2;
/** Each client draws from a sequence of its own. */
const CLIENT = 1;

export interface ClientsOptions {
  readonly facades: readonly FacadeAddress[];
  readonly history: History;
  readonly seed: number;
  readonly onAcked: (order: WrittenOrder, record: LegacyRecord) => Promise<void>;
}

/** All clients of a journey. No two of them write for the same account. */
export class Clients {
  readonly orders = new WrittenOrders();
  readonly answered = { read: 0, write: 0 };
  private readonly clients: readonly Client[];

  constructor({ facades, history, seed, onAcked }: ClientsOptions) {
    const draws = createDraws(seed);
    this.clients = Array.from({ length: CLIENTS }, (_, client) => {
      let drawn = 0;
      return new Client({
        facades,
        accounts: Array.from({ length: ACCOUNTS_EACH }, (__, account) => `client-${client}-${account}`),
        orders: this.orders,
        draw: (below) => draws(CLIENT + client, drawn++, below),
        now: () => history.now(),
        note: (event) => history.add(event),
        answered: (what) => void (this.answered[what] += 1),
        onAcked,
      });
    });
  }

  begin(known: readonly LegacyRecord[]): void {
    for (const client of this.clients) {
      for (const record of known) client.memory.learn(record);
      client.begin();
    }
  }

  /** Resolves when no request is running. */
  async pause(): Promise<void> {
    await Promise.all(this.clients.map(async (client) => client.pause()));
  }

  resume(): void {
    for (const client of this.clients) client.resume();
  }

  async end(): Promise<void> {
    this.resume();
    await Promise.all(this.clients.map(async (client) => client.end()));
  }
}
