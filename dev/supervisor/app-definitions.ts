import { join } from 'node:path';
import { MAX_IN_FLIGHT_OVERRIDE } from '#orders/in-flight-override.js';
import type { PortClaim } from '../machine/ports.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import type { ServerAddresses } from '../servers/embedded-servers.js';
import type { AppDefinition, Heap } from './app-process.js';
import type { StackOptions } from './stack-options.js';

/** What the apps' variables are made of, besides the environment that `npm start` was given. */
export interface AppContext {
  readonly options: StackOptions;
  readonly addresses: ServerAddresses;
  /** Undefined with a Kafka from outside, whose topic may have any number. */
  readonly partitions: number | undefined;
  readonly pageTokenSecret: string;
  readonly startedAt: Date;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Without a limit V8 lets garbage pile up to gigabytes before it looks, since the machine has the memory. What a chunk is made
 * of dies young where there is room for it: at V8's own size it is promoted, and collecting that cost the producer a second core.
 */
const SERVICE_HEAP: Heap = { oldMiB: 256, youngMiB: 16 };

/**
 * An export makes millions of orders that die at once. V8 has put them into the old heap for all of a process's life when a collection
 * in its first seconds found many alive: in one process of three, which then took twice the time for each order.
 */
export const QUERY_API_HEAP: Heap = { ...SERVICE_HEAP, alwaysYoung: true };

/** The nearer V8 is to its limit, the sooner it collects: at 256 the producer held 40 MiB of garbage more, for the same CPU time. */
export const PRODUCER_HEAP: Heap = { oldMiB: 128, youngMiB: 16 };

/**
 * glibc keeps freed memory in an arena for each thread that asked for some, and Kafka's buffers come from several: with two
 * arenas a process that moves millions of records holds tens of MiB less.
 */
const MALLOC: NodeJS.ProcessEnv = { MALLOC_ARENA_MAX: '2' };

/** The ports that the apps are going to take. Consumers take any that is free. */
export function appPortClaims(options: StackOptions): PortClaim[] {
  const { listenHost, producerPort, queryApiPort, consolePort, issuerPort, auth } = options;
  return [
    ...(auth ? [{ owner: 'the issuer', host: '127.0.0.1', port: issuerPort, setting: 'ISSUER_PORT' }] : []),
    { owner: 'the producer', host: listenHost, port: producerPort, setting: 'PRODUCER_PORT' },
    { owner: 'the query API', host: listenHost, port: queryApiPort, setting: 'QUERY_API_PORT' },
    { owner: 'the console', host: listenHost, port: consolePort, setting: 'CONSOLE_PORT' },
  ];
}

/** Producers and query APIs: one of each, or two where any one may be away. */
export function servedBy(context: AppContext): AppDefinition[] {
  const numbers = context.options.isReplicated ? [1, 2] : [1];
  return [...numbers.map((n) => producerDefinition(context, n)), ...numbers.map((n) => queryApiDefinition(context, n))];
}

/** The nth producer, counted from 1. Those after the first take any free port. */
export function producerDefinition(context: AppContext, n = 1): AppDefinition {
  const port = n === 1 ? context.options.producerPort : 0;
  return define(nameOf('producer', n), 'producer', context, PRODUCER_HEAP, { PORT: String(port) });
}

/** The nth query API, counted from 1. Those after the first take any free port. */
export function queryApiDefinition(context: AppContext, n = 1): AppDefinition {
  const port = n === 1 ? context.options.queryApiPort : 0;
  return define(nameOf('query-api', n), 'query-api', context, QUERY_API_HEAP, {
    PORT: String(port),
    // The same for all: a walk goes on at any of them.
    PAGE_TOKEN_SECRET: context.env['PAGE_TOKEN_SECRET'] || context.pageTokenSecret,
  });
}

function nameOf(app: string, n: number): string {
  return n === 1 ? app : `${app}-${n}`;
}

export function consoleDefinition(context: AppContext): AppDefinition {
  return define('console', 'console', context, SERVICE_HEAP, {
    PORT: String(context.options.consolePort),
    PRODUCER_URL: reachedAt(context.options.listenHost, context.options.producerPort),
    QUERY_API_URL: reachedAt(context.options.listenHost, context.options.queryApiPort),
    // It may ask the supervisor, over the channel that every app has to it.
    SCALED_BY: 'supervisor',
  });
}

/** By another app on this machine. Who listens everywhere is on loopback too. */
function reachedAt(listenHost: string, port: number): string {
  const host = ['0.0.0.0', '::'].includes(listenHost) ? '127.0.0.1' : listenHost;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The nth consumer, counted from 1. */
export function consumerDefinition(context: AppContext, n: number): AppDefinition {
  const settings = {
    PORT: '0',
    INSTANCE_NAME: `consumer-${n}`,
    // A limit that was set in an earlier run would be in the way of this one's flags.
    IN_FLIGHT_OVERRIDES_SINCE: context.startedAt.toISOString(),
    ...context.options.consumerSettings,
  };
  return define(`consumer-${n}`, 'consumer', context, consumerHeap({ ...context.env, ...settings }), settings);
}

/**
 * A consumer holds some kilobytes for each record in flight: what the highest limit needs that may be wished for while it runs (or that
 * `auto` may find), and more for larger ones. Thousands of them last half a second, longer than a small young heap has room for; a larger one
 * saves a tenth of the CPU.
 */
export function consumerHeap({ IN_FLIGHT_LIMIT }: NodeJS.ProcessEnv): Heap {
  const started = IN_FLIGHT_LIMIT === 'auto' ? 0 : Number(IN_FLIGHT_LIMIT || 0);
  const inFlight = Math.max(MAX_IN_FLIGHT_OVERRIDE, started);
  return { oldMiB: 128 + Math.ceil(inFlight / 50), youngMiB: 64 };
}

/** Under `--auth`: the provider of the tokens that all services ask for. It is for this machine only. */
export function issuerDefinition(context: AppContext): AppDefinition {
  const { dataDirectory, producerPort, queryApiPort, consolePort, issuerPort } = context.options;
  const origins = [queryApiPort, producerPort, consolePort].flatMap((port) => [
    `http://localhost:${port}`,
    `http://127.0.0.1:${port}`,
  ]);
  const issuer = define('issuer', 'dev-issuer', context, SERVICE_HEAP, {
    LISTEN_HOST: '127.0.0.1',
    PORT: String(issuerPort),
    ISSUER_URL: issuerUrl(context.options),
    ISSUER_KEYS_FILE: join(dataDirectory, 'issuer-keys.json'),
    ISSUER_DOCS_ORIGINS: origins.join(','),
  });
  return { ...issuer, job: undefined };
}

/** As browsers reach it, and so as its tokens name it. */
export function issuerUrl({ issuerPort }: StackOptions): string {
  return `http://localhost:${issuerPort}`;
}

function define(name: string, app: string, context: AppContext, heap: Heap, own: NodeJS.ProcessEnv): AppDefinition {
  const { env, addresses, partitions, options } = context;
  return {
    name,
    job: app,
    heap,
    script: join(PROJECT_DIRECTORY, 'dist', 'apps', app, 'src', 'main.js'),
    logFile: join(options.dataDirectory, 'logs', `${name}.log`),
    env: {
      ...MALLOC,
      ...env,
      ...addresses,
      ...(options.auth && { AUTH_ISSUER: issuerUrl(options) }),
      ...(partitions !== undefined && { TOPIC_PARTITIONS: String(partitions) }),
      ...own,
    },
  };
}
