// Patches internals of kafkajs 2.2.4, the version that package.json pins, where they do not suit this engine.
import { createRequire } from 'node:module';

/** Applies the patches that every client needs, once per process. */
export function patchKafkajs(): void {
  stopIdleTimers();
  skipUnavailableSeeds();
}

const patched = new Set<string>();

/** Patches a kafkajs class, once per process. @param change gets the prototype to modify and a copy of the original */
function patchOnce<T extends object>(path: string, change: (prototype: T, original: T) => void): void {
  if (patched.has(path)) return;
  patched.add(path);
  const { prototype } = createRequire(import.meta.url)(path) as { prototype: T };
  change(prototype, Object.create(prototype, Object.getOwnPropertyDescriptors(prototype)) as T);
}

interface RequestQueuePrototype {
  readonly pending: unknown[];
  readonly throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

/**
 * Stops kafkajs's timer on idle connections. kafkajs re-arms a 1 ms timer on every open connection, which costs 3 % of a core
 * when idle and logs a negative-timeout warning on Node 24. The timer is needed only while a request is pending or throttled.
 */
function stopIdleTimers(): void {
  patchOnce<RequestQueuePrototype>('kafkajs/src/network/requestQueue', (prototype, original) => {
    prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded(this: RequestQueuePrototype): void {
      if (this.pending.length > 0 || this.throttledUntil > Date.now()) original.scheduleCheckPendingRequests.call(this);
    };
  });
}

interface SeedBroker {
  connect(): Promise<void>;
}
interface BrokerPoolPrototype {
  readonly seedBroker: SeedBroker;
  createSeedBroker(): Promise<void>;
}

/** Errors of a connection that is accepted although no broker responds on it. */
const NO_BROKER = new Set(['KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError']);

/**
 * Makes kafkajs try the next bootstrap broker also when a broker accepts the connection but does not respond. kafkajs does so only
 * when the connection is refused. While a broker is unavailable, a proxy, load balancer or published port in front of it accepts the
 * connection, then closes it or stays silent. kafkajs retries that broker for a minute and fails, although other brokers are available.
 */
function skipUnavailableSeeds(): void {
  patchOnce<BrokerPoolPrototype>('kafkajs/src/cluster/brokerPool', (prototype, original) => {
    prototype.createSeedBroker = async function createSkippableSeed(this: BrokerPoolPrototype): Promise<void> {
      await original.createSeedBroker.call(this);
      const seed = this.seedBroker;
      const connect = seed.connect.bind(seed);
      seed.connect = async () => {
        try {
          await connect();
        } catch (error) {
          // kafkajs tries the next broker only for an error with this name.
          if (error instanceof Error && NO_BROKER.has(error.name)) error.name = 'KafkaJSConnectionError';
          throw error;
        }
      };
    };
  });
}
