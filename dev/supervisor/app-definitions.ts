import { join } from 'node:path';
import type { PortClaim } from '../machine/ports.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import type { ServerAddresses } from '../servers/embedded-servers.js';
import type { AppDefinition } from './app-process.js';
import type { StackOptions } from './stack-options.js';

/** What the apps' variables are made of, besides the environment that `npm start` was given. */
export interface AppContext {
  readonly options: StackOptions;
  readonly addresses: ServerAddresses;
  /** Undefined with a Kafka from outside, whose topic may have any number. */
  readonly partitions: number | undefined;
  readonly pageTokenSecret: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Without a limit V8 lets garbage pile up to gigabytes before it looks, since the machine has the memory. */
const SERVICE_HEAP_MIB = 256;

/** The ports that the apps are going to take. Consumers take any that is free. */
export function appPortClaims({ listenHost, producerPort, queryApiPort }: StackOptions): PortClaim[] {
  return [
    { owner: 'the producer', host: listenHost, port: producerPort, setting: 'PRODUCER_PORT' },
    { owner: 'the query API', host: listenHost, port: queryApiPort, setting: 'QUERY_API_PORT' },
  ];
}

export function producerDefinition(context: AppContext): AppDefinition {
  return define('producer', 'producer', context, SERVICE_HEAP_MIB, { PORT: String(context.options.producerPort) });
}

export function queryApiDefinition(context: AppContext): AppDefinition {
  return define('query-api', 'query-api', context, SERVICE_HEAP_MIB, {
    PORT: String(context.options.queryApiPort),
    PAGE_TOKEN_SECRET: context.env['PAGE_TOKEN_SECRET'] || context.pageTokenSecret,
  });
}

/** The nth consumer, counted from 1. */
export function consumerDefinition(context: AppContext, n: number): AppDefinition {
  const settings = { PORT: '0', ...context.options.consumerSettings };
  return define(`consumer-${n}`, 'consumer', context, consumerHeapMiB({ ...context.env, ...settings }), settings);
}

/** The most that a consumer that finds its limit by itself may have in flight. */
const AUTO_AT_MOST = 10_000;

/** A consumer holds some kilobytes for each record in flight: what the default limit needs, and more for larger ones. */
export function consumerHeapMiB({ IN_FLIGHT_LIMIT }: NodeJS.ProcessEnv): number {
  const inFlight = IN_FLIGHT_LIMIT === 'auto' ? AUTO_AT_MOST : Number(IN_FLIGHT_LIMIT || 0);
  return Math.max(256, 128 + Math.ceil(inFlight / 50));
}

function define(
  name: string,
  app: string,
  context: AppContext,
  heapMiB: number,
  own: NodeJS.ProcessEnv,
): AppDefinition {
  const { env, addresses, partitions, options } = context;
  return {
    name,
    heapMiB,
    script: join(PROJECT_DIRECTORY, 'dist', 'apps', app, 'src', 'main.js'),
    logFile: join(options.dataDirectory, 'logs', `${name}.log`),
    env: { ...env, ...addresses, ...(partitions !== undefined && { TOPIC_PARTITIONS: String(partitions) }), ...own },
  };
}
