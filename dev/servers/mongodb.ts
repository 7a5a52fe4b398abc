import { mkdir, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import type { ServerUser } from '#service/rights/service-rights.js';
import type { ServerProgram } from './server.js';
import { type MongoClientOptions, MongoClient, MongoServerError, type Db, type Document } from 'mongodb';
import type { PrivateAuthority } from './private-authority.js';

const REPLICA_SET = 'orders';

/**
 * Ten million orders with their indexes take about 7 GiB. Inserts touch random leaves of two of the indexes. A cache of half of that
 * is enough; with 1 GiB, mongod writes and reads the same pages repeatedly, and saves 4,000 orders/s instead of 20,000.
 */
const MAX_CACHE_GIB = 4;
const MIN_CACHE_GIB = 0.25;

/** A member of a replica set. */
interface MongodbNode {
  /** The displayed name, also used for the log file. */
  readonly name: string;
  /** The port that it listens on. */
  readonly port: number;
  readonly directory: string;
  /** The ports where members and clients reach all members, in a stable order. */
  readonly memberPorts: readonly number[];
  /** Its own index in `memberPorts`. */
  readonly place: number;
  /** TLS and users. Default: neither. */
  readonly security?: MongodbSecurity;
}

/** Returns the member of a single-member set, which transactions and majority writes require. */
export function singleMember(port: number, dataDirectory: string): MongodbNode {
  return { name: 'MongoDB', port, directory: join(dataDirectory, 'mongodb'), memberPorts: [port], place: 0 };
}

/** Returns the members of a set of several, each with its own folder. @param found the ports to reach them, if not those they listen on */
export function replicaSet(ports: readonly number[], dataDirectory: string, found = ports): MongodbNode[] {
  return ports.map((port, place) => ({
    name: `MongoDB-${place + 1}`,
    port,
    directory: join(dataDirectory, `mongodb-${place + 1}`),
    memberPorts: found,
    place,
  }));
}

/** The connection string in the form of MONGODB_URI, with every member. @param user at a set with TLS and users, and the authority's file */
export function mongodbUri(
  memberPorts: readonly number[],
  access?: { user: ServerUser; authorityFile: string },
): string {
  const hosts = hostsOf(memberPorts).join(',');
  if (access === undefined) return `mongodb://${hosts}/orders?replicaSet=${REPLICA_SET}`;
  const { user, authorityFile } = access;
  const credentials = `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}`;
  const options = new URLSearchParams({
    replicaSet: REPLICA_SET,
    tls: 'true',
    tlsCAFile: authorityFile,
    authSource: 'admin',
    authMechanism: 'SCRAM-SHA-256',
  });
  return `mongodb://${credentials}@${hosts}/orders?${options.toString()}`;
}

function hostsOf(ports: readonly number[]): string[] {
  return ports.map((port) => `127.0.0.1:${port}`);
}

/** Returns mongod's cache size in GiB: a quarter of the machine's memory, within bounds. mongod's own default is half of it. */
export function cacheGib(memoryBytes: number): number {
  const quarter = Math.floor(memoryBytes / 2 ** 30) / 4;
  return Math.min(MAX_CACHE_GIB, Math.max(MIN_CACHE_GIB, quarter));
}

/**
 * A mongod on loopback, a member of a replica set of one or more. It runs like the other servers rather than under
 * mongodb-memory-server, which kills mongod a second after its parent has ended, while the apps still save.
 */
export class MongodbServer implements ServerProgram {
  readonly name: string;
  readonly logFile: string;

  constructor(
    private readonly parts: EmbeddedParts,
    private readonly node: MongodbNode,
    dataDirectory: string,
  ) {
    this.name = node.name;
    this.logFile = join(dataDirectory, 'logs', `${node.name.toLowerCase()}.log`);
  }

  async prepare(): Promise<void> {
    await mkdir(this.node.directory, { recursive: true });
    if (this.node.security !== undefined) await writeMongodbFiles(this.node.security, this.node.directory);
  }

  command(): { file: string; args: readonly string[] } {
    return {
      file: this.parts.mongod,
      args: [
        '--dbpath',
        this.node.directory,
        '--bind_ip',
        '127.0.0.1',
        '--port',
        String(this.node.port),
        '--replSet',
        REPLICA_SET,
        '--wiredTigerCacheSizeGB',
        String(cacheGib(totalmem() / this.node.memberPorts.length)),
        // By default, dirty pages are written when they are 5 % of the cache. An index leaf with random inserts is dirty again
        // at once, and is rewritten for each of its next entries: measured, that was half of all of mongod's work.
        '--wiredTigerEngineConfigString',
        'eviction_dirty_target=60,eviction_dirty_trigger=80,eviction_updates_target=30,eviction_updates_trigger=60',
        // No snapshot reads of the past happen here: five minutes of history in each page would cost a tenth of the work, and memory.
        '--setParameter',
        'minSnapshotHistoryWindowInSeconds=0',
        // A transaction that a killed process has left open blocks the counter of order numbers for all others; ours take milliseconds.
        '--setParameter',
        'transactionLifetimeLimitSeconds=10',
        // On shutdown a member waits this long for clients and other members; 15 s by default, and all members shut down at once.
        '--setParameter',
        'shutdownTimeoutMillisForSignaledShutdown=2000',
        // By default the oplog takes 5 % of the disk.
        '--oplogSize',
        '1024',
        // A socket file in /tmp would collide with that of another user's stack on the same port number.
        '--nounixsocket',
        // Lines for each connection and for each write slower than 100 ms would make the log grow without bound.
        '--quiet',
        '--slowms',
        '5000',
        '--setParameter',
        'diagnosticDataCollectionEnabled=false',
        ...(this.node.security === undefined ? [] : securityArguments(this.node.directory)),
      ],
    };
  }

  probe(): Promise<void> {
    const { port, memberPorts, place, security } = this.node;
    const wanted = { name: REPLICA_SET, hosts: hostsOf(memberPorts) };
    return serveInReplicaSet(`127.0.0.1:${port}`, place, wanted, security && keyAccess(security));
  }
}

/** TLS and users of a MongoDB. */
export interface MongodbSecurity {
  readonly authority: PrivateAuthority;
  /** The file with the authority's certificate, for clients. */
  readonly authorityFile: string;
  /** The contents of the key file. All members of a set need the same one; it may change when all are restarted. */
  readonly key: string;
}

const KEY_FILE = 'key-file';
const CERTIFICATE_FILE = 'member.pem';
const AUTHORITY_FILE = 'authority.pem';

/** Writes a member's new certificate, its authority and the key file. Only the owner can read them, as mongod requires. */
async function writeMongodbFiles({ authority, key }: MongodbSecurity, directory: string): Promise<void> {
  const { certificate, key: privateKey } = await authority.issue('orders-mongodb', ['127.0.0.1']);
  const write = async (name: string, content: string): Promise<void> =>
    writeFile(join(directory, name), content, { mode: 0o600 });
  await write(KEY_FILE, key);
  await write(CERTIFICATE_FILE, `${certificate}\n${privateKey}\n`);
  await write(AUTHORITY_FILE, authority.certificate);
}

/** Returns mongod's arguments: no connection without TLS, and no command without a user. */
function securityArguments(directory: string): string[] {
  return [
    '--keyFile',
    join(directory, KEY_FILE),
    '--tlsMode',
    'requireTLS',
    '--tlsCertificateKeyFile',
    join(directory, CERTIFICATE_FILE),
    '--tlsCAFile',
    join(directory, AUTHORITY_FILE),
    // Clients sign in with a password.
    '--tlsAllowConnectionsWithoutCertificates',
    '--setParameter',
    'authenticationMechanisms=SCRAM-SHA-256',
  ];
}

/**
 * Returns how this process signs in as the set itself, by the key file. Nothing else exists before the first user, and users of an
 * earlier start have passwords that nothing keeps.
 */
export function keyAccess({ authorityFile, key }: MongodbSecurity): MongoClientOptions {
  return {
    tls: true,
    tlsCAFile: authorityFile,
    auth: { username: '__system', password: key },
    authSource: 'local',
    authMechanism: 'SCRAM-SHA-256',
  };
}

/** The part of a replica set's configuration that is read; the rest is kept as it is. */
interface ReplicaSetConfig {
  readonly version: number;
  readonly members: readonly { readonly host: string }[];
}

/** The desired set, which the first member configures. */
interface WantedSet {
  readonly name: string;
  readonly hosts: readonly string[];
}

const NOT_YET_INITIALIZED = 94;

/** Returns what a member must do to configure its set. @param config the current configuration; undefined for a fresh mongod */
export function replicaSetStep(
  config: ReplicaSetConfig | undefined,
  place: number,
  { name, hosts }: WantedSet,
): { command: Document } | 'wait' {
  // Only one member may initiate: two that begin at once would create two sets.
  if (place !== 0) return 'wait';
  if (config === undefined)
    return { command: { replSetInitiate: { _id: name, members: hosts.map((each, _id) => ({ _id, host: each })) } } };
  if (config.members.every((member, at) => member.host === hosts[at])) return 'wait';
  // The ports differ from the last start: no member finds itself in its own configuration, so only a forced reconfiguration works.
  const members = config.members.map((member, at) => ({ ...member, host: hosts[at] }));
  return { command: { replSetReconfig: { ...config, version: config.version + 1, members }, force: true } };
}

/**
 * Resolves when the mongod at `host` is a member of its set and the set has a primary. Applies what is missing for that: the first
 * configuration, or new ports in an old one. Rejects until then. Idempotent.
 */
async function serveInReplicaSet(
  host: string,
  place: number,
  wanted: WantedSet,
  access: MongoClientOptions = {},
): Promise<void> {
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`, {
    ...access,
    serverSelectionTimeoutMS: 1_000,
    connectTimeoutMS: 1_000,
    socketTimeoutMS: 5_000,
  });
  try {
    const admin = client.db('admin');
    const step = replicaSetStep(await configOf(admin), place, wanted);
    if (step !== 'wait') await admin.command(step.command);
    const { isWritablePrimary, secondary, primary } = await admin.command({ hello: 1 });
    if (isWritablePrimary !== true && !(secondary === true && primary !== undefined))
      throw new Error('The member is neither primary nor a secondary with a primary yet');
  } finally {
    await client.close();
  }
}

async function configOf(admin: Db): Promise<ReplicaSetConfig | undefined> {
  try {
    const { config } = await admin.command({ replSetGetConfig: 1 });
    if (isConfig(config)) return config;
    throw new Error('replSetGetConfig returned no configuration');
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NOT_YET_INITIALIZED) return undefined;
    throw error;
  }
}

function isConfig(value: unknown): value is ReplicaSetConfig {
  if (typeof value !== 'object' || value === null || !('version' in value) || !('members' in value)) return false;
  return typeof value.version === 'number' && Array.isArray(value.members);
}
