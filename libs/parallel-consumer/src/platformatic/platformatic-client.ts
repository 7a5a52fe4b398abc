import type { ConnectionOptions } from '@platformatic/kafka';
import { text, withFunctions } from '../checks/value-checks.js';
import type { EngineLogger } from '../events/engine-logger.js';
import { ReliableProducer } from '../kafka/reliable-producer.js';
import { PlatformaticConnections } from './platformatic-connections.js';

/** How to connect with `@platformatic/kafka`; `tls` and `sasl` have its format. */
export interface PlatformaticOptions extends Pick<ConnectionOptions, 'tls' | 'sasl'> {
  /** `host:port` of at least one broker. */
  readonly brokers: readonly string[];
  /** Identifies this client in the broker's logs and quotas. */
  readonly clientId: string;
}

/** A checked `PlatformaticOptions`, from `connectPlatformatic`. */
export interface PlatformaticClient {
  /** Returns connections of their own. They connect on first use. */
  connections(): PlatformaticConnections;
}

/**
 * Prepares connections with `@platformatic/kafka`.
 * @throws TypeError or RangeError that names a wrong option
 */
export function connectPlatformatic({ brokers, clientId, tls, sasl }: PlatformaticOptions): PlatformaticClient {
  text('clientId', clientId);
  if (!Array.isArray(brokers) || brokers.length === 0)
    throw new TypeError("brokers must be a list of addresses such as ['localhost:9092']");
  const seeds = brokers.map(toAddress);
  const security = { ...(tls !== undefined && { tls }), ...(sasl !== undefined && { sasl }) };
  return { connections: () => new PlatformaticConnections({ seeds, clientId, security }) };
}

/** Creates a producer whose `send` resolves only when every record is on all in-sync replicas. */
export function reliableProducer(client: PlatformaticClient, logger: EngineLogger): ReliableProducer {
  withFunctions('connections')('client', client);
  return new ReliableProducer({ connect: () => client.connections(), logger });
}

function toAddress(given: unknown): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(String(given)) ?? [];
  if (host === '' || Number(port) > 65_535)
    throw new TypeError(`brokers must be a list of addresses such as ['localhost:9092'], got ${String(given)}`);
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}
