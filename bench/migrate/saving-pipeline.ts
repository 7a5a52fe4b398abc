import { join } from 'node:path';
import { ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { TemporaryStack } from '../../dev/supervisor/temporary-stack.js';
import { consumerHeap } from '../../dev/supervisor/app-definitions.js';
import { saveOrders } from '../datasets/saved-orders.js';
import type { Bench } from '../harness/bench.js';
import { startProducer } from '../intake/intake-servers.js';
import { HttpServer } from '../reads/http-server.js';

/** A producer and a consumer on servers of their own. */
export interface SavingPipeline {
  readonly mongodbUri: string;
  /** The settings of the servers, for `npm run admin`. */
  readonly servers: NodeJS.ProcessEnv;
  readonly consumer: HttpServer;
  /** Emits generated orders until the end. @param perSecond `null`: as many as the consumer saves */
  readonly populate: (perSecond: number | null) => Promise<void>;
}

const NEEDED_MIB = 10_000;
/** More than can be saved meanwhile. */
const POPULATED = 8_000_000;
const IN_FLIGHT = 2_000;

/** Runs `work` with a pipeline whose database has orders already. Leaves nothing behind. @param inFlight the limit of its consumer */
export async function withSavedOrders<T>(
  bench: Bench,
  orders: number,
  work: (pipeline: SavingPipeline) => Promise<T>,
  inFlight = IN_FLIGHT,
): Promise<T> {
  const apps: HttpServer[] = [];
  const servers = await TemporaryStack.start({
    tool: 'orders-migrate',
    neededMiB: NEEDED_MIB,
    flags: ['--servers-only'],
    print: (line) => bench.print(`  ${line}`),
    signal: bench.signal,
  });
  const { addresses } = servers;
  try {
    const startedAt = performance.now();
    await dropOrders(addresses.MONGODB_URI);
    await saveOrders(addresses.MONGODB_URI, orders, bench.signal);
    bench.print(`  ${orders} orders saved and indexed in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
    const consumer = await startConsumer(addresses, String(inFlight));
    apps.push(consumer);
    const producer = await startProducer(addresses, 1);
    apps.push(producer);
    const populate = async (ratePerSecond: number | null): Promise<void> => {
      const rate = ratePerSecond === null ? {} : { ratePerSecond };
      await producer.post('/v1/populate', JSON.stringify({ count: POPULATED, ...rate }));
    };
    return await work({ mongodbUri: addresses.MONGODB_URI, servers: { ...addresses }, consumer, populate });
  } finally {
    for (const app of apps.toReversed()) await app.stop();
    await servers.stop();
  }
}

/** Without indexes, millions of orders are inserted in a fifth of the time; `saveOrders` builds them at its end. */
async function dropOrders(uri: string): Promise<void> {
  const mongo = new Mongo(uri, 'bench');
  await ordersCollection(mongo.db).drop();
  await mongo.client.close();
}

/** Starts a consumer as `npm start` does, on a free port. */
async function startConsumer(addresses: NodeJS.ProcessEnv, IN_FLIGHT_LIMIT: string): Promise<HttpServer> {
  return HttpServer.start({
    script: join(PROJECT_DIRECTORY, 'dist', 'apps', 'consumer', 'src', 'main.js'),
    heap: consumerHeap({ IN_FLIGHT_LIMIT }),
    env: {
      ...addresses,
      PORT: '0',
      LOG_LEVEL: 'warn',
      IN_FLIGHT_LIMIT,
      MALLOC_ARENA_MAX: '2',
    },
    connections: 1,
  });
}
