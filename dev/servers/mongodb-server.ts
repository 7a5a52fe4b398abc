import { mkdir } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import { keyAccess, securityArguments, writeMongodbFiles, type MongodbSecurity } from './mongodb-security.js';
import { serveInReplicaSet } from './replica-set.js';
import type { ServerUser } from '#service/rights/service-rights.js';
import type { ServerProgram } from './server-program.js';

const REPLICA_SET = 'orders';

/**
 * Ten million orders with their indexes take about 7 GiB. Inserts touch random leaves of two of the indexes. A cache of half of that
 * is enough; with 1 GiB, mongod writes and reads the same pages repeatedly, and saves 4,000 orders/s instead of 20,000.
 */
const MAX_CACHE_GIB = 4;
const MIN_CACHE_GIB = 0.25;

/** A member of a replica set. */
export interface MongodbNode {
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
