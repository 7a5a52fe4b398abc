import { migrateAt } from '#service/mongodb/migrate-database.js';
import { rejectOnAbort } from '../machine/abortion.js';
import { freePort, requireFreePorts } from '../machine/ports.js';
import { provideParts } from '../parts/embedded-parts.js';
import { DataDirectory } from './data-directory.js';
import { EmbeddedServers, serverPortClaims, type ServerAddresses, type ServerPorts } from './embedded-servers.js';
import type { ServerEnvironment } from './server-process.js';
import { timeLimit } from '#orders/time-limit.js';

const ALL = { kafka: true, registry: true, mongodb: true };
const STOP_BUDGET_MS = timeLimit(15_000);

/** Running servers without the apps of `npm start`, for tests, benchmarks and callers that start other apps on them. */
export interface StandaloneServers {
  /** The settings of the apps. */
  readonly addresses: Required<ServerAddresses>;
  readonly ports: ServerPorts;
  /** The environment in which apps on these servers are started. */
  readonly surroundings: ServerEnvironment;
  /** Stops the servers and releases the data folder; the data stays. */
  stop(): Promise<void>;
}

/**
 * Starts Kafka, the schema registry and MongoDB on a data folder, on free ports or the given ones. Resolves when all are
 * ready and the database is migrated.
 * The servers end with the process that started them, however it ends.
 * @throws StackError, or the abort reason of the signal; all servers are stopped first
 */
export async function startStandaloneServers(
  dataDirectory: string,
  ports?: ServerPorts,
  print: (line: string) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<StandaloneServers> {
  const data = await DataDirectory.open(dataDirectory, print);
  const chosen = ports ?? { kafka: await freePort(), registry: await freePort(), mongodb: await freePort() };
  let servers: EmbeddedServers | undefined;
  const stop = async (): Promise<void> => {
    await servers?.stop(STOP_BUDGET_MS);
    data.close();
  };
  try {
    const layout = { choice: ALL, ports: chosen, isReplicated: false };
    await requireFreePorts(serverPortClaims(layout));
    const parts = await provideParts(ALL, print, signal);
    signal.throwIfAborted();
    servers = await EmbeddedServers.of(layout, data, parts, {
      onEnded: print,
      onRecovered: print,
    });
    await Promise.race([servers.start((name) => print(`${name} serves`)), rejectOnAbort(signal)]);
    const addresses = await servers.addresses();
    if (!isComplete(addresses)) throw new Error('A server has no address');
    await migrateAt(addresses.MONGODB_URI);
    return { addresses, ports: chosen, surroundings: { records: data.records, guard: servers.guard }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function isComplete(addresses: ServerAddresses): addresses is Required<ServerAddresses> {
  const { KAFKA_BROKERS, KAFKA_CLUSTER_ID, SCHEMA_REGISTRY_URL, MONGODB_URI } = addresses;
  return Boolean(KAFKA_BROKERS && KAFKA_CLUSTER_ID && SCHEMA_REGISTRY_URL && MONGODB_URI);
}
