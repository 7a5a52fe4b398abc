import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from '../harness/bench.js';
import type { HttpServer } from '../reads/http-server.js';
import { startQueryApi } from '../reads/read-servers.js';
import { startLegacy } from './facade-servers.js';
import { migratedOrders } from './migrated-orders.js';

/** A legacy system and a query API that have the same orders. */
export interface MigratedSides {
  readonly mongodbUri: string;
  readonly legacy: HttpServer;
  readonly queryApi: HttpServer;
  /** The ids of the orders. */
  readonly ids: readonly string[];
  /** Has a further server stopped at the end. */
  readonly started: (start: Promise<HttpServer>) => Promise<HttpServer>;
}

/**
 * Runs `work` with both sides, in a database of its own, and stops all servers afterwards.
 * @param orders a multiple of 1,000
 * @param connections the most concurrent requests to each server
 */
export async function withMigratedSides<T>(
  bench: Bench,
  { name, orders, connections }: { readonly name: string; readonly orders: number; readonly connections: number },
  work: (sides: MigratedSides) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'orders-bench-legacy-'));
  const servers: HttpServer[] = [];
  const started = async (start: Promise<HttpServer>): Promise<HttpServer> => {
    const server = await start;
    servers.push(server);
    return server;
  };
  try {
    return await bench.inOwnDatabase(name, async (mongodbUri) => {
      const legacy = await started(startLegacy(folder, connections));
      const ids = await migratedOrders(legacy, mongodbUri, orders);
      const queryApi = await started(startQueryApi(mongodbUri, connections));
      return await work({ mongodbUri, legacy, queryApi, ids, started });
    });
  } finally {
    for (const server of servers.toReversed()) await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
