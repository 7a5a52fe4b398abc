import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { kafkaConnectionSettings, registrySettings } from '#service/settings/kafka-settings.js';
import { isGiven, loadSettings } from '#service/settings/settings.js';
import { LAST_PORT } from '../machine/ports.js';
import { serverPortClaims, type ServerPorts } from '../servers/embedded-servers.js';
import { stackSettingsSchema } from '../settings/stack-settings.js';
import { StackError } from '../stack-error.js';
import { autoscaleMode, requireAutoscaleLimits, withAutoscaleMode } from './autoscale-options.js';
import { orBadSetting } from './bad-setting.js';

/** The options of `npm start`. */
export interface StackOptions {
  readonly dataDirectory: string;
  readonly consumers: number;
  /** Undefined: the number of the existing data, 12 on fresh data. */
  readonly partitions: number | undefined;
  /** Rebuilds and restarts the apps when a source file changes. */
  readonly watch: boolean;
  /** Three Kafka nodes and MongoDB members, two producers and query APIs: any one process may be unavailable. */
  readonly isReplicated: boolean;
  /** Runs the development issuer, and requires its tokens. */
  readonly auth: boolean;
  /** TLS, users and least privilege at all servers; includes `auth`. */
  readonly isSecured: boolean;
  /** Runs the legacy system and the facade beside the pipeline. */
  readonly legacy: boolean;
  readonly console: boolean;
  /** Whether the console scales the consumers, or reports what it would do. Undefined: as `AUTOSCALE` says. */
  readonly autoscale: 'on' | 'dry-run' | undefined;
  /** Starts Kafka, the registry and MongoDB, and no app: to restore a backup. */
  readonly serversOnly: boolean;
  readonly serverPorts: ServerPorts;
  readonly producerPort: number;
  readonly queryApiPort: number;
  readonly consolePort: number;
  readonly issuerPort: number;
  readonly facadePort: number;
  readonly legacyPort: number;
  readonly listenHost: string;
  /** Environment variables of the consumers that were set by flags. Those of the environment are passed on anyway. */
  readonly consumerSettings: { readonly [name in 'IN_FLIGHT_LIMIT' | 'ORDERING' | 'SAVE_DELAY_MS']?: string };
  /** External servers, which are not started here. */
  readonly external: { readonly kafka: boolean; readonly registry: boolean; readonly mongodb: boolean };
}

export const DEFAULT_PARTITIONS = 12;
const MAX_PARTITIONS = 1_000;

/** The list of all flags. */
export const FLAGS = `The flags of npm start, after a --:
  --data DIR            folder of the data (default .data)
  --consumers N         consumer processes, 1 to 64 (default 1, with --replicated 3)
  --partitions N        partitions of a fresh orders.v1, 1 to 1000 (default 12)
  --in-flight N         in-flight limit of each consumer, 1 to 1000000 (default 6000), or auto
  --ordering WHAT       which records are processed in order: key (those of an account; the default), partition or unordered
  --save-ms MIN..MAX    duration of the simulated save in milliseconds (default 0..1000)
  --replicated          three Kafka nodes and MongoDB members, two producers and query APIs: any one may be unavailable
  --auth                require tokens, and run an issuer for them
  --secured             as --auth, and TLS and users with least privilege at Kafka, the registry and MongoDB
  --legacy              run the legacy system too, and the facade that migrates its traffic
  --autoscale [MODE]    let the console scale the consumers: on (the default), or dry-run to only report what it would do
  --no-console          start without the console
  --servers-only        start the servers without any app, such as to restore a backup
  --watch               restart the apps when a source file changes (npm run dev)
  --help                print this list
for example: npm start -- --consumers 2 --save-ms 0..100`;

const FLAG_TYPES = {
  data: { type: 'string' },
  consumers: { type: 'string' },
  partitions: { type: 'string' },
  'in-flight': { type: 'string' },
  ordering: { type: 'string' },
  'save-ms': { type: 'string' },
  replicated: { type: 'boolean' },
  auth: { type: 'boolean' },
  secured: { type: 'boolean' },
  legacy: { type: 'boolean' },
  autoscale: { type: 'string' },
  'no-console': { type: 'boolean' },
  'servers-only': { type: 'boolean' },
  watch: { type: 'boolean' },
} as const;

/** Parses flags and environment. @throws StackError `bad-flag` with the list of valid flags, or `bad-setting` */
export function readStackOptions(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  projectDirectory: string,
): StackOptions {
  const flags = parseFlags(args);
  const inFlight = flags['in-flight'];
  const isReplicated = flags.replicated ?? false;
  const { ordering, 'save-ms': saveMs } = flags;
  const settings = readSettings(env);
  const options: StackOptions = {
    dataDirectory: resolve(projectDirectory, flags.data || '.data'),
    consumers: flags.consumers === undefined ? (isReplicated ? 3 : 1) : wholeFlag('consumers', flags.consumers, 1, 64),
    partitions:
      flags.partitions === undefined
        ? settings.TOPIC_PARTITIONS
        : wholeFlag('partitions', flags.partitions, 1, MAX_PARTITIONS),
    watch: flags.watch ?? false,
    isReplicated,
    auth: checkAuth(flags, env),
    isSecured: checkSecured(flags.secured ?? false, env),
    legacy: flags.legacy ?? false,
    console: flags['no-console'] !== true,
    autoscale: autoscaleMode(flags, badFlag),
    serversOnly: flags['servers-only'] ?? false,
    serverPorts: {
      kafka: settings.KAFKA_PORT,
      registry: settings.REGISTRY_PORT,
      mongodb: settings.MONGODB_PORT,
    },
    producerPort: settings.PRODUCER_PORT,
    queryApiPort: settings.QUERY_API_PORT,
    consolePort: settings.CONSOLE_PORT,
    issuerPort: settings.ISSUER_PORT,
    facadePort: settings.FACADE_PORT,
    legacyPort: settings.LEGACY_PORT,
    listenHost: settings.LISTEN_HOST,
    consumerSettings: {
      ...(inFlight !== undefined && { IN_FLIGHT_LIMIT: inFlightLimit(inFlight) }),
      ...(ordering !== undefined && { ORDERING: knownOrdering(ordering) }),
      ...(saveMs !== undefined && { SAVE_DELAY_MS: saveDelay(saveMs) }),
    },
    external: {
      kafka: isGiven('KAFKA_BROKERS', env),
      registry: isGiven('SCHEMA_REGISTRY_URL', env),
      mongodb: isGiven('MONGODB_URI', env),
    },
  };
  requireExternal('KAFKA_BROKERS', Object.keys(kafkaConnectionSettings), env);
  requireExternal('SCHEMA_REGISTRY_URL', Object.keys(registrySettings), env);
  requireDifferentPorts(options);
  if (options.console) requireAutoscaleLimits(options.partitions ?? MAX_PARTITIONS, env);
  return options;
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: withAutoscaleMode(args), options: FLAG_TYPES, strict: true, allowPositionals: false })
      .values;
  } catch (error) {
    throw badFlag(error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error));
  }
}

function inFlightLimit(text: string): string {
  return text === 'auto' ? text : String(wholeFlag('in-flight', text, 1, 1_000_000));
}

function knownOrdering(text: string): string {
  if (['key', 'partition', 'unordered'].includes(text)) return text;
  throw badFlag(`--ordering must be key, partition or unordered, got "${text}"`);
}

function wholeFlag(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw badFlag(`--${name} must be an integer from ${least} to ${most}, got "${text}"`);
}

function saveDelay(text: string): string {
  const [, least, most] = /^(\d{1,7})\.\.(\d{1,7})$/.exec(text) ?? [];
  if (least !== undefined && most !== undefined && Number(least) <= Number(most)) return text;
  throw badFlag(`--save-ms must be a range of milliseconds such as 0..1000, the minimum first, got "${text}"`);
}

function checkAuth(flags: { auth?: boolean; secured?: boolean }, env: NodeJS.ProcessEnv): boolean {
  const flag = (['secured', 'auth'] as const).find((name) => flags[name]);
  if (flag !== undefined && isGiven('AUTH_ISSUER', env))
    throw badFlag(`--${flag} runs its own issuer and can not be combined with AUTH_ISSUER`);
  return flag !== undefined;
}

function checkSecured(isSecured: boolean, env: NodeJS.ProcessEnv): boolean {
  const external = ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'MONGODB_URI'].find((name) => isGiven(name, env));
  if (isSecured && external !== undefined)
    throw badFlag(`--secured is about the embedded servers and can not be combined with ${external}`);
  return isSecured;
}

function badFlag(message: string): StackError {
  return new StackError('bad-flag', `${message}.`, FLAGS);
}

function readSettings(env: NodeJS.ProcessEnv) {
  return orBadSetting(() => loadSettings(stackSettingsSchema, env));
}

/** Rejects credentials for the embedded servers, which have no TLS and users, or their own (`--secured`): every app would fail to connect. */
function requireExternal(address: string, settings: readonly string[], env: NodeJS.ProcessEnv): void {
  // KAFKA_SSL=false is the default, and may be set.
  const isSet = (name: string): boolean => isGiven(name, env) && env[name] !== 'false';
  const given = isGiven(address, env) ? undefined : settings.find(isSet);
  if (given === undefined) return;
  const what = `${given} is set without ${address}: the embedded server has no such user.`;
  throw new StackError('bad-setting', what, `Set ${address} to your own server too, or unset ${given}.`);
}

function requireDifferentPorts(options: StackOptions): void {
  const { serverPorts, isReplicated, producerPort, queryApiPort, consolePort, issuerPort, external } = options;
  const ports = new Map<number, string>();
  const claim = (setting: string, number: number): void => {
    if (number > LAST_PORT)
      throw new StackError(
        'bad-setting',
        `${setting} leaves no room for the nodes after it.`,
        `The last port is ${LAST_PORT}.`,
      );
    const other = ports.get(number);
    if (other !== undefined) {
      throw new StackError(
        'bad-setting',
        `${other} and ${setting} are both ${number}.`,
        'Use a different port for each.',
      );
    }
    ports.set(number, setting);
  };
  const choice = { kafka: !external.kafka, registry: !external.registry, mongodb: !external.mongodb };
  for (const { setting, port: taken } of serverPortClaims({ choice, ports: serverPorts, isReplicated }))
    claim(setting, taken);
  claim('PRODUCER_PORT', producerPort);
  claim('QUERY_API_PORT', queryApiPort);
  if (options.console) claim('CONSOLE_PORT', consolePort);
  if (options.auth) claim('ISSUER_PORT', issuerPort);
  if (options.legacy) {
    claim('FACADE_PORT', options.facadePort);
    claim('LEGACY_PORT', options.legacyPort);
  }
}
