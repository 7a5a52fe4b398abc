import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import { becomePrimary } from './replica-set.js';
import type { ServerProgram } from './server.js';

const REPLICA_SET = 'orders';

/**
 * A replica set of one mongod, on loopback: transactions and majority writes need a set. It is run like the other
 * servers, not by mongodb-memory-server, whose own killer ends mongod a second after its parent, while the apps still save.
 */
export class MongodbServer implements ServerProgram {
  readonly name = 'MongoDB';
  readonly logFile: string;
  private readonly directory: string;

  constructor(
    private readonly parts: EmbeddedParts,
    private readonly port: number,
    dataDirectory: string,
  ) {
    this.directory = join(dataDirectory, 'mongodb');
    this.logFile = join(dataDirectory, 'logs', 'mongodb.log');
  }

  /** Where clients find it, in the form of MONGODB_URI. */
  get uri(): string {
    return `mongodb://127.0.0.1:${this.port}/orders?replicaSet=${REPLICA_SET}`;
  }

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
  }

  command(): { file: string; args: readonly string[] } {
    return {
      file: this.parts.mongod,
      args: [
        '--dbpath',
        this.directory,
        '--bind_ip',
        '127.0.0.1',
        '--port',
        String(this.port),
        '--replSet',
        REPLICA_SET,
        // Without a bound its cache takes half of the machine's memory, and its oplog 5 % of the disk.
        '--wiredTigerCacheSizeGB',
        '1',
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
    return becomePrimary(`127.0.0.1:${this.port}`, REPLICA_SET);
  }
}
