import type { ConnectionOptions } from '@platformatic/kafka';
import { checkOptions } from '../checks/check-options.js';
import { addresses, text, unchecked, withFunctions, type Check } from '../checks/value-checks.js';
import type { EngineLogger } from '../events/engine-logger.js';
import type { SendTracer } from '../events/record-tracer.js';
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

const OPTION_CHECKS = {
  brokers: addresses,
  clientId: text,
  tls: unchecked,
  sasl: unchecked,
} satisfies Record<keyof PlatformaticOptions, Check>;

/** Checks a client of `connectPlatformatic`. */
export const connected = withFunctions('connections');

/**
 * Prepares connections with `@platformatic/kafka`.
 * @throws TypeError or RangeError that names a wrong option
 */
export function connectPlatformatic(options: PlatformaticOptions): PlatformaticClient {
  checkOptions(options, { checks: OPTION_CHECKS, required: ['brokers', 'clientId'] });
  const { brokers, clientId, tls, sasl } = options;
  const seeds = brokers.map(toAddress);
  const security = { ...(tls !== undefined && { tls }), ...(sasl !== undefined && { sasl }) };
  return { connections: () => new PlatformaticConnections({ seeds, clientId, security }) };
}

/** Creates a producer whose `send` resolves only when every record is on all in-sync replicas. @throws TypeError without a client or a logger */
export function reliableProducer(
  client: PlatformaticClient,
  logger: EngineLogger,
  tracer?: SendTracer,
): ReliableProducer {
  connected('client', client);
  return new ReliableProducer({ connect: () => client.connections(), logger, ...(tracer !== undefined && { tracer }) });
}

function toAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  // An IPv6 address is in brackets.
  return { host: address.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(at + 1)) };
}
