import { mkdir } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import { serveInReplicaSet } from './replica-set.js';
import type { ServerProgram } from './server-program.js';

const REPLICA_SET = 'orders';

/**
 * Ten million orders with their indexes come to some 7 GiB, of which the leaves of two indexes are touched at random. Half of that in the
 * cache is enough; with 1 GiB mongod writes and reads the same pages again and again, and saves 4,000 orders/s instead of 20,000.
 */
const MAX_CACHE_GIB = 4;
const MIN_CACHE_GIB = 0.25;

/** A member of a replica set. */
export interface MongodbNode {
  /** As shown to people, and the name of its log. */
  readonly name: string;
  /** Where it listens. */
  readonly port: number;
  readonly directory: string;
  /** Where all members are found, by each other and by clients, in an order that stays. */
  readonly memberPorts: readonly number[];
  /** Its own among them. */
  readonly place: number;
}

/** The member of a set of one: what transactions and majority writes need. */
export function singleMember(port: number, dataDirectory: string): MongodbNode {
  return { name: 'MongoDB', port, directory: join(dataDirectory, 'mongodb'), memberPorts: [port], place: 0 };
}

/** The members of a set of several, each in a folder of its own. @param found where they are found, when that isn't where they listen */
export function replicaSet(ports: readonly number[], dataDirectory: string, found = ports): MongodbNode[] {
  return ports.map((port, place) => ({
    name: `MongoDB-${place + 1}`,
    port,
    directory: join(dataDirectory, `mongodb-${place + 1}`),
    memberPorts: found,
    place,
  }));
}

/** Where clients find it, in the form of MONGODB_URI: every member. */
export function mongodbUri(memberPorts: readonly number[]): string {
  return `mongodb://${hostsOf(memberPorts).join(',')}/orders?replicaSet=${REPLICA_SET}`;
}

function hostsOf(ports: readonly number[]): string[] {
  return ports.map((port) => `127.0.0.1:${port}`);
}

/** The cache that mongod may fill, in GiB: a quarter of the machine's memory, within bounds. Its own default is half of it. */
export function cacheGib(memoryBytes: number): number {
  const quarter = Math.floor(memoryBytes / 2 ** 30) / 4;
  return Math.min(MAX_CACHE_GIB, Math.max(MIN_CACHE_GIB, quarter));
}

/**
 * A mongod on loopback, member of a replica set, be it one of its own. It is run like the other servers, not by mongodb-memory-server,
 * whose own killer ends mongod a second after its parent, while the apps still save.
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
        // Its default is to write dirty pages out when they are 5 % of the cache. An index leaf that is touched at random is
        // dirty again at once, and is written again for each of its next entries: measured, half of all of its work.
        '--wiredTigerEngineConfigString',
        'eviction_dirty_target=60,eviction_dirty_trigger=80,eviction_updates_target=30,eviction_updates_trigger=60',
        // Nobody reads the past here: five minutes of it in each page would cost a tenth of the work, and memory.
        '--setParameter',
        'minSnapshotHistoryWindowInSeconds=0',
        // What a killed process has left open keeps the counter of order numbers from all others; ours take milliseconds.
        '--setParameter',
        'transactionLifetimeLimitSeconds=10',
        // A member that is asked to end waits so long for clients and the others; 15 s by default, and all of a set are asked at once.
        '--setParameter',
        'shutdownTimeoutMillisForSignaledShutdown=2000',
        // Its oplog would take 5 % of the disk.
        '--oplogSize',
        '1024',
        // A socket file in /tmp would collide with that of another person's stack on the same port number.
        '--nounixsocket',
        // A line for each connection and each write slower than 100 ms would make the log grow without bound.
        '--quiet',
        '--slowms',
        '5000',
        '--setParameter',
        'diagnosticDataCollectionEnabled=false',
      ],
    };
  }

  probe(): Promise<void> {
    const { port, memberPorts, place } = this.node;
    return serveInReplicaSet(`127.0.0.1:${port}`, place, { name: REPLICA_SET, hosts: hostsOf(memberPorts) });
  }
}
