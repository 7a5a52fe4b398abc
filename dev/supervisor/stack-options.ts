import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import type { SaveBounds } from '#orders/consumer/simulated-save.js';
import { kafkaConnectionSettings, registrySettings } from '#service/settings/kafka-settings.js';
import { isGiven, loadSettings, SettingsError } from '#service/settings/settings.js';
import { autoscalingSettings, refuseContradictions } from '../../apps/console/src/autoscaling/autoscaling-settings.js';
import { integerFlag, millisecondsFlag, parseFlags } from '../flags.js';
import { LAST_PORT, type PortClaim } from '../machine/ports.js';
import { serverPortClaims, type ServerPorts } from '../servers/embedded-servers.js';
import { stackSettingsSchema } from '../settings/stack-settings.js';
import { StackError } from '../stack-error.js';

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

/** The flags as they are given. */
interface Flags {
  readonly data: string;
  readonly consumers?: number;
  readonly partitions?: number;
  readonly inFlight?: string;
  readonly ordering?: string;
  readonly saveMs?: SaveBounds;
  readonly replicated?: true;
  readonly auth?: true;
  readonly secured?: true;
  readonly legacy?: true;
  readonly autoscale?: 'on' | 'dry-run';
  readonly console: boolean;
  readonly serversOnly?: true;
  readonly watch?: true;
}

function stackCommand(): Command {
  return new Command('npm start --')
    .description('Runs the whole pipeline until it is stopped.')
    .option('--data <folder>', 'folder of the data', '.data')
    .option('--consumers <n>', 'consumer processes, 1 to 64 (default: 1, with --replicated 3)', integerFlag(1, 64))
    .option(
      '--partitions <n>',
      'partitions of a fresh orders.v1, 1 to 1,000 (default: 12)',
      integerFlag(1, MAX_PARTITIONS),
    )
    .option(
      '--in-flight <n>',
      'in-flight limit of each consumer, 1 to 1,000,000, or auto (default: 6000)',
      inFlightLimit,
    )
    .addOption(
      new Option(
        '--ordering <what>',
        'which records are processed in order: key (those of an account; the default), partition or unordered',
      ).choices(['key', 'partition', 'unordered']),
    )
    .option(
      '--save-ms <min..max>',
      'duration of the simulated save in milliseconds (default: 0..1000)',
      millisecondsFlag,
    )
    .option(
      '--replicated',
      'three Kafka nodes and MongoDB members, two producers and query APIs: any one may be unavailable',
    )
    .option('--auth', 'require tokens, and run an issuer for them')
    .option('--secured', 'as --auth, and TLS and users with least privilege at Kafka, the registry and MongoDB')
    .option('--legacy', 'run the legacy system too, and the facade that migrates its traffic')
    .addOption(
      new Option(
        '--autoscale [mode]',
        'let the console scale the consumers: on (the default), or dry-run to only report what it would do',
      )
        .choices(['on', 'dry-run'])
        .preset('on')
        .conflicts('console'),
    )
    .option('--no-console', 'start without the console')
    .option('--servers-only', 'start the servers without any app, such as to restore a backup')
    .option('--watch', 'restart the apps when a source file changes (npm run dev)');
}

/** Parses flags and environment. @throws StackError `bad-flag` with the list of valid flags, or `bad-setting` */
export function readStackOptions(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  projectDirectory: string,
): StackOptions {
  const flags = parseFlags(stackCommand(), args).opts<Flags>();
  const { replicated = false, secured = false, inFlight, ordering, saveMs } = flags;
  const settings = orBadSetting(() => loadSettings(stackSettingsSchema, env));
  const options: StackOptions = {
    dataDirectory: resolve(projectDirectory, flags.data || '.data'),
    consumers: flags.consumers ?? (replicated ? 3 : 1),
    partitions: flags.partitions ?? settings.TOPIC_PARTITIONS,
    watch: flags.watch ?? false,
    isReplicated: replicated,
    auth: flags.auth ?? secured,
    isSecured: secured,
    legacy: flags.legacy ?? false,
    console: flags.console,
    autoscale: flags.autoscale,
    serversOnly: flags.serversOnly ?? false,
    serverPorts: { kafka: settings.KAFKA_PORT, registry: settings.REGISTRY_PORT, mongodb: settings.MONGODB_PORT },
    producerPort: settings.PRODUCER_PORT,
    queryApiPort: settings.QUERY_API_PORT,
    consolePort: settings.CONSOLE_PORT,
    issuerPort: settings.ISSUER_PORT,
    facadePort: settings.FACADE_PORT,
    legacyPort: settings.LEGACY_PORT,
    listenHost: settings.LISTEN_HOST,
    consumerSettings: {
      ...(inFlight !== undefined && { IN_FLIGHT_LIMIT: inFlight }),
      ...(ordering !== undefined && { ORDERING: ordering }),
      ...(saveMs !== undefined && { SAVE_DELAY_MS: `${saveMs.minimum}..${saveMs.maximum}` }),
    },
    external: {
      kafka: isGiven('KAFKA_BROKERS', env),
      registry: isGiven('SCHEMA_REGISTRY_URL', env),
      mongodb: isGiven('MONGODB_URI', env),
    },
  };
  requireOwnServers(flags, env);
  requireExternal('KAFKA_BROKERS', Object.keys(kafkaConnectionSettings), env);
  requireExternal('SCHEMA_REGISTRY_URL', Object.keys(registrySettings), env);
  requireDifferentPorts(options);
  if (options.console) requireAutoscaleLimits(options.partitions ?? MAX_PARTITIONS, env);
  return options;
}

function inFlightLimit(text: string): string {
  return text === 'auto' ? text : String(integerFlag(1, 1_000_000)(text));
}

/** Rejects flags about servers that are started here, if others are configured. */
function requireOwnServers({ auth, secured }: Flags, env: NodeJS.ProcessEnv): void {
  if ((auth ?? secured) !== undefined && isGiven('AUTH_ISSUER', env))
    throw badFlag(
      `--${secured === undefined ? 'auth' : 'secured'} runs its own issuer and can not be combined with AUTH_ISSUER`,
    );
  const external = ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'MONGODB_URI'].find((name) => isGiven(name, env));
  if (secured !== undefined && external !== undefined)
    throw badFlag(`--secured is about the embedded servers and can not be combined with ${external}`);
}

function badFlag(message: string): StackError {
  return new StackError('bad-flag', `${message}.`, stackCommand().helpInformation().trimEnd());
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

/** Returns the ports that the apps will use. Consumers use any free port. */
export function appPortClaims(options: StackOptions): PortClaim[] {
  const { listenHost, producerPort, queryApiPort, consolePort, issuerPort, facadePort, legacyPort } = options;
  const { auth, legacy, console } = options;
  return [
    ...(auth ? [claim('the issuer', issuerPort, 'ISSUER_PORT')] : []),
    claim('the producer', producerPort, 'PRODUCER_PORT', listenHost),
    claim('the query API', queryApiPort, 'QUERY_API_PORT', listenHost),
    ...(console ? [claim('the console', consolePort, 'CONSOLE_PORT', listenHost)] : []),
    ...(legacy
      ? [claim('the facade', facadePort, 'FACADE_PORT'), claim('the legacy system', legacyPort, 'LEGACY_PORT')]
      : []),
  ];
}

function claim(owner: string, port: number, setting: string, host = '127.0.0.1'): PortClaim {
  return { owner, host, port, setting };
}

function requireDifferentPorts(options: StackOptions): void {
  const { serverPorts: ports, isReplicated, external } = options;
  const choice = { kafka: !external.kafka, registry: !external.registry, mongodb: !external.mongodb };
  const settings = new Map<number, string>();
  for (const { setting, port } of [...serverPortClaims({ choice, ports, isReplicated }), ...appPortClaims(options)]) {
    const other = settings.get(port);
    if (other !== undefined) {
      const what = `${other} and ${setting} are both ${port}.`;
      throw new StackError('bad-setting', what, 'Use a different port for each.');
    }
    if (port > LAST_PORT) {
      const what = `${setting} leaves no room for the nodes after it.`;
      throw new StackError('bad-setting', what, `The last port is ${LAST_PORT}.`);
    }
    settings.set(port, setting);
  }
}

/**
 * Rejects limits that contradict each other before the servers start. The console checks them again, with the partitions of existing data.
 * @throws StackError `bad-setting`
 */
function requireAutoscaleLimits(partitions: number, env: NodeJS.ProcessEnv): void {
  const most = { TOPIC_PARTITIONS: String(partitions), TOPIC_PARTITIONS_FILE: '' };
  orBadSetting(() => loadSettings(refuseContradictions(z.object(autoscalingSettings)), { ...env, ...most }));
}

/** @throws StackError `bad-setting` instead of a SettingsError */
function orBadSetting<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new StackError('bad-setting', error.message, 'Correct them in the environment or in .env.', { cause: error });
  }
}
