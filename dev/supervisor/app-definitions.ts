import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_IN_FLIGHT_OVERRIDE } from '#orders/consumer/consumers.js';
import { SERVICE_RIGHTS, type ServiceName, SERVICES } from '#service/rights/service-rights.js';
import { fileVariable, isGiven, readGivenSettings } from '#service/settings/settings.js';
import { DEMO_CLIENT } from '../../apps/dev-issuer/src/settings.js';
import { isErrno } from '../machine/processes.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import type { ServerAddresses } from '../servers/embedded-servers.js';
import { mongodbUri } from '../servers/mongodb.js';
import type { StackSecurity } from '../servers/security.js';
import type { AppDefinition, Heap } from './apps.js';
import type { StackOptions } from './stack-options.js';

/** The inputs of the apps' environment variables, including the environment of `npm start`. */
export interface AppContext {
  readonly options: StackOptions;
  readonly addresses: ServerAddresses;
  /** Undefined with an external Kafka, whose topic may have any number of partitions. */
  readonly partitions: number | undefined;
  readonly pageTokenSecret: string;
  readonly startedAt: Date;
  readonly env: NodeJS.ProcessEnv;
  /** How each service connects to secured servers. Default: they need no credentials. */
  readonly access?: ServiceAccess;
  /** Further environment variables of an app, by its name. They have precedence. */
  readonly envOf?: (name: string) => NodeJS.ProcessEnv;
}

/** Without a limit, V8 lets garbage grow to gigabytes on a machine with enough memory. */
export const SERVICE_HEAP: Heap = { oldMiB: 256, youngMiB: 16 };

/** An export creates millions of short-lived orders. */
export const QUERY_API_HEAP: Heap = { ...SERVICE_HEAP, youngMiB: 32 };

/**
 * V8 collects sooner near its limit: at 256 MiB the producer held 40 MiB more garbage, for the same CPU time. A small young generation
 * leaves room below the limit: at 16 MiB the producer used a tenth more CPU time, and at 32 MiB five times as much.
 */
export const PRODUCER_HEAP: Heap = { oldMiB: 128, youngMiB: 8 };

/** The legacy system's index has about 100 bytes for each order, and it keeps 128 parsed files. */
export const LEGACY_HEAP: Heap = { oldMiB: 512, youngMiB: 16 };

/**
 * glibc keeps freed memory in one arena per thread that allocates, and Kafka's buffers come from several threads. With two
 * arenas, a process that moves millions of records holds tens of MiB less.
 */
const MALLOC: NodeJS.ProcessEnv = { MALLOC_ARENA_MAX: '2' };

/** How many of each app run; of consumers, how many are started at first. */
export type AppCounts = Readonly<
  Record<'producer' | 'query-api' | 'console' | 'consumer' | 'facade' | 'legacy', number>
>;

/** Returns what `npm start` runs: two producers and query APIs when replicated, so that any one may be unavailable. */
export function appCounts({ isReplicated, console, legacy, consumers }: StackOptions): AppCounts {
  const copies = isReplicated ? 2 : 1;
  const [beside, watching] = [Number(legacy), Number(console)];
  return {
    producer: copies,
    'query-api': copies,
    console: watching,
    consumer: consumers,
    facade: beside,
    legacy: beside,
  };
}

/** Returns all apps but the consumers. */
export function serviceDefinitions(context: AppContext, counts: AppCounts): AppDefinition[] {
  return [
    ...times(Number(context.options.auth), () => issuerDefinition(context)),
    ...times(counts.legacy, () => legacyDefinition(context)),
    ...times(counts.facade, (n) => facadeDefinition(context, n)),
    ...times(counts.producer, (n) => producerDefinition(context, n)),
    ...times(counts['query-api'], (n) => queryApiDefinition(context, n)),
    ...times(counts.console, () => consoleDefinition(context)),
  ];
}

/** Returns the nth producer, counted from 1. All but the first use any free port. */
export function producerDefinition(context: AppContext, n = 1): AppDefinition {
  const { options, env } = context;
  const port = n === 1 ? options.producerPort : 0;
  return define(nameOf('producer', n), 'producer', context, PRODUCER_HEAP, {
    PORT: String(port),
    ...(!isGiven('QUERY_API_PUBLIC_URL', env) && {
      QUERY_API_PUBLIC_URL: reachedAt(options.listenHost, options.queryApiPort),
    }),
    ...allowFaults(context),
  });
}

/** This is a development stack: its clients may ask for faulty records, unless the user forbids it. */
function allowFaults({ env }: AppContext): NodeJS.ProcessEnv {
  return { ALLOW_FAULT_INJECTION: env['ALLOW_FAULT_INJECTION'] || 'true' };
}

/** Returns the nth query API, counted from 1. All but the first use any free port. */
export function queryApiDefinition(context: AppContext, n = 1): AppDefinition {
  const port = n === 1 ? context.options.queryApiPort : 0;
  return define(nameOf('query-api', n), 'query-api', context, QUERY_API_HEAP, {
    PORT: String(port),
    // The same for all: cursor pagination can continue at any of them.
    ...(!isGiven('PAGE_TOKEN_SECRET', context.env) && pageTokens(context)),
  });
}

function pageTokens({ access, pageTokenSecret, options }: AppContext): NodeJS.ProcessEnv {
  if (access === undefined) return { PAGE_TOKEN_SECRET: pageTokenSecret };
  return { PAGE_TOKEN_SECRET_FILE: pageTokenSecretFile(options.dataDirectory) };
}

function nameOf(app: string, n: number): string {
  return n === 1 ? app : `${app}-${n}`;
}

export function consoleDefinition(context: AppContext): AppDefinition {
  const { consolePort, listenHost, producerPort, queryApiPort, facadePort, legacy, autoscale } = context.options;
  return define('console', 'console', context, SERVICE_HEAP, {
    PORT: String(consolePort),
    PRODUCER_URL: reachedAt(listenHost, producerPort),
    QUERY_API_URL: reachedAt(listenHost, queryApiPort),
    ...(legacy && { FACADE_URL: `http://127.0.0.1:${facadePort}` }),
    // The console sends requests to scale over its IPC channel to the supervisor.
    SCALED_BY: 'supervisor',
    ...(autoscale !== undefined && { AUTOSCALE: autoscale }),
    ...allowFaults(context),
  });
}

/** Returns the URL for another app on this machine. An app that listens on all interfaces is also reachable on loopback. */
function reachedAt(listenHost: string, port: number): string {
  const host = ['0.0.0.0', '::'].includes(listenHost) ? '127.0.0.1' : listenHost;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Returns the nth consumer, counted from 1. */
export function consumerDefinition(context: AppContext, n: number): AppDefinition {
  const settings = {
    PORT: '0',
    INSTANCE_NAME: `consumer-${n}`,
    // Ignores overrides of earlier runs, which would take precedence over the flags of this run.
    IN_FLIGHT_OVERRIDES_SINCE: context.startedAt.toISOString(),
    ...context.options.consumerSettings,
  };
  const { values } = readGivenSettings(['IN_FLIGHT_LIMIT'], context.env);
  return define(`consumer-${n}`, 'consumer', context, consumerHeap({ ...values, ...settings }), settings);
}

/**
 * Returns the heap limits of a consumer, which needs some kilobytes per record in flight. It covers the highest limit that can be set
 * at runtime (or that `auto` may reach), and a higher one set at the start. Thousands of records live for half a second, longer than the
 * young generation lasts: an old generation that may double between full collections saves as much CPU time as a young one of twice this
 * size, in 30 MiB less.
 */
export function consumerHeap({ IN_FLIGHT_LIMIT }: NodeJS.ProcessEnv): Heap {
  const started = IN_FLIGHT_LIMIT === 'auto' ? 0 : Number(IN_FLIGHT_LIMIT || 0);
  const inFlight = Math.max(MAX_IN_FLIGHT_OVERRIDE, started);
  return { oldMiB: 128 + Math.ceil(inFlight / 50), youngMiB: 32, growthPercent: 100 };
}

/** Returns the token issuer for `--auth`, whose tokens all services require. It listens on loopback only. */
function issuerDefinition(context: AppContext): AppDefinition {
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

/** Returns the legacy system for `--legacy`. It has no tokens and no metrics. */
export function legacyDefinition(context: AppContext): AppDefinition {
  const { dataDirectory, legacyPort } = context.options;
  const legacy = define('legacy', 'legacy', context, LEGACY_HEAP, {
    PORT: String(legacyPort),
    ...(!isGiven('LEGACY_DATA_DIR', context.env) && { LEGACY_DATA_DIR: join(dataDirectory, 'db_files') }),
  });
  return { ...legacy, job: undefined };
}

/**
 * Returns the facade for `--legacy`. It listens on loopback only, because its legacy clients have no keys here. With `--auth` it uses the
 * demo client of the development issuer. All but the first use any free port.
 */
export function facadeDefinition(context: AppContext, n = 1): AppDefinition {
  const { listenHost, producerPort, queryApiPort, facadePort, legacyPort, auth } = context.options;
  const name = nameOf('facade', n);
  return define(name, 'facade', context, SERVICE_HEAP, {
    LISTEN_HOST: '127.0.0.1',
    PORT: String(n === 1 ? facadePort : 0),
    ...(n > 1 && { FACADE_INSTANCE: name }),
    LEGACY_URL: `http://127.0.0.1:${legacyPort}`,
    PRODUCER_URL: reachedAt(listenHost, producerPort),
    QUERY_API_URL: reachedAt(listenHost, queryApiPort),
    ...(auth && { FACADE_CLIENT_ID: DEMO_CLIENT.id, FACADE_CLIENT_SECRET: DEMO_CLIENT.secret }),
  });
}

/** The URL for browsers, and thus also the issuer name in the tokens. */
export function issuerUrl({ issuerPort }: StackOptions): string {
  return `http://localhost:${issuerPort}`;
}

function times(count: number, definition: (n: number) => AppDefinition): AppDefinition[] {
  return Array.from({ length: count }, (_, at) => definition(at + 1));
}

function define(name: string, app: string, context: AppContext, heap: Heap, own: NodeJS.ProcessEnv): AppDefinition {
  const { env, addresses, partitions, options, access, envOf } = context;
  const set = {
    ...addresses,
    ...(access !== undefined && { MONGODB_URI: '', ...(isService(app) && access[app]) }),
    // One port can't serve all apps; their health is checked on their own ports.
    ADMIN_PORT: '',
    // No balancer stands before them.
    ...(!isGiven('DRAIN_GRACE_SECONDS', env) && { DRAIN_GRACE_SECONDS: '0' }),
    ...(options.auth && { AUTH_ISSUER: issuerUrl(options) }),
    ...(partitions !== undefined && { TOPIC_PARTITIONS: String(partitions) }),
    ...own,
    ...envOf?.(name),
  };
  // An app rejects a setting that is set twice. What is set here has precedence, and may come from a file of the user's, such as
  // TOPIC_PARTITIONS_FILE.
  const replaced = new Set(Object.keys(set).map(fileVariable));
  const passedOn = Object.entries(env).filter(([variable]) => !replaced.has(variable));
  return {
    name,
    job: app,
    heap,
    script: join(PROJECT_DIRECTORY, 'dist', 'apps', app, 'src', 'main.js'),
    logFile: join(options.dataDirectory, 'logs', `${name}.log`),
    env: { ...MALLOC, ...Object.fromEntries(passedOn), ...set },
  };
}

function isService(app: string): app is ServiceName {
  return SERVICES.some((service) => service === app);
}

/** The settings with which each service connects to secured servers. Secrets are in files: the settings have only their paths. */
type ServiceAccess = Readonly<Record<ServiceName, NodeJS.ProcessEnv>>;

/** Services that a person runs, with a file of settings for `node --env-file`. */
const COMMANDS: readonly ServiceName[] = ['reconcile', 'admin'];

/**
 * Writes the secrets of all services, one folder for each, that only the owner can read, and a file of settings for each command.
 * @param memberPorts where clients reach the members of MongoDB's set
 */
export async function writeServiceAccess(
  security: StackSecurity,
  addresses: ServerAddresses,
  memberPorts: readonly number[],
): Promise<ServiceAccess> {
  const entries = SERVICES.map(
    async (service) => [service, await writeAccess(security, service, memberPorts)] as const,
  );
  const access = Object.fromEntries(await Promise.all(entries)) as Record<ServiceName, NodeJS.ProcessEnv>;
  for (const service of COMMANDS) {
    const { MONGODB_URI: _open, ...shared } = addresses;
    const lines = Object.entries({ ...shared, ...access[service] }).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(settingsFile(security, service), lines.join(''), { mode: 0o600 });
  }
  return access;
}

/** The file of settings for a command, such as of `npm run admin`. */
function settingsFile({ folder }: Pick<StackSecurity, 'folder'>, service: ServiceName): string {
  return join(folder, `${service}.env`);
}

async function writeAccess(
  security: StackSecurity,
  service: ServiceName,
  memberPorts: readonly number[],
): Promise<NodeJS.ProcessEnv> {
  const { authorityFile } = security;
  const user = security.user(service);
  const folder = join(security.folder, service);
  await mkdir(folder, { mode: 0o700 });
  const write = async (name: string, secret: string): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, secret, { mode: 0o600 });
    return file;
  };
  const { kafka, registersSchema } = SERVICE_RIGHTS[service];
  return {
    MONGODB_URI_FILE: await write('mongodb-uri', mongodbUri(memberPorts, { user, authorityFile })),
    ...(kafka.length > 0 && {
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA_FILE: authorityFile,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: user.name,
      KAFKA_SASL_PASSWORD_FILE: await write('kafka-password', user.password),
    }),
    ...(registersSchema && {
      SCHEMA_REGISTRY_CA_FILE: authorityFile,
      SCHEMA_REGISTRY_USERNAME: user.name,
      SCHEMA_REGISTRY_PASSWORD_FILE: await write('registry-password', user.password),
    }),
  };
}

/** Returns the key that signs page tokens, stored so that tokens remain valid across restarts. Only its owner can read the file. */
export function readPageTokenSecret(dataDirectory: string): string {
  const path = pageTokenSecretFile(dataDirectory);
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  const secret = randomBytes(32).toString('base64url');
  writeFileSync(path, `${secret}\n`, { mode: 0o600 });
  return secret;
}

function pageTokenSecretFile(dataDirectory: string): string {
  return join(dataDirectory, 'page-token-secret');
}
