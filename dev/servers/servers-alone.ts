import { freePort, requireFreePorts } from '../machine/ports.js';
import { provideParts } from '../parts/embedded-parts.js';
import { explain } from '../stack-error.js';
import { DataDirectory } from './data-directory.js';
import { EmbeddedServers, serverPortClaims, type ServerAddresses, type ServerPorts } from './embedded-servers.js';

const ALL = { kafka: true, registry: true, mongodb: true };
const STOP_BUDGET_MS = 15_000;

/** Running servers without apps, for tests and benchmarks. */
export interface ServersAlone {
  /** What the apps read: KAFKA_BROKERS, KAFKA_CLUSTER_ID, SCHEMA_REGISTRY_URL, MONGODB_URI. */
  readonly addresses: Required<ServerAddresses>;
  readonly ports: ServerPorts;
  /** Stops them and gives the data folder back; the data stay. */
  stop(): Promise<void>;
}

/**
 * Starts Kafka, the schema registry and MongoDB on a data folder, on free ports or the given ones, and resolves when all
 * serve. They end with the process that started them, however that ends. Throws StackErrors.
 */
export async function startServersAlone(
  dataDirectory: string,
  ports?: ServerPorts,
  print: (line: string) => void = () => undefined,
): Promise<ServersAlone> {
  const data = await DataDirectory.open(dataDirectory, print);
  const chosen = ports ?? { kafka: await freePort(), registry: await freePort(), mongodb: await freePort() };
  let servers: EmbeddedServers | undefined;
  const stop = async (): Promise<void> => {
    await servers?.stop(STOP_BUDGET_MS);
    data.close();
  };
  try {
    await requireFreePorts(serverPortClaims(ALL, chosen));
    const parts = await provideParts(ALL, print, new AbortController().signal);
    servers = new EmbeddedServers(ALL, chosen, data, parts, {
      onCrash: print,
      onLost: (error) => print(explain(error)),
    });
    await servers.start((name) => print(`${name} serves`));
    const addresses = await servers.addresses();
    if (!isComplete(addresses)) throw new Error('A server has no address');
    return { addresses, ports: chosen, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function isComplete(addresses: ServerAddresses): addresses is Required<ServerAddresses> {
  const { KAFKA_BROKERS, KAFKA_CLUSTER_ID, SCHEMA_REGISTRY_URL, MONGODB_URI } = addresses;
  return Boolean(KAFKA_BROKERS && KAFKA_CLUSTER_ID && SCHEMA_REGISTRY_URL && MONGODB_URI);
}
