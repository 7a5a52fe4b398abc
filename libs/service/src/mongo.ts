import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { MongoClient, type Db } from 'mongodb';
import { MongoTime } from './mongo-time.js';

const PING_PATIENCE_MS = 2_000;

/** The connection to MongoDB, one for each process. */
@Injectable()
export class Mongo implements OnApplicationShutdown {
  readonly client: MongoClient;
  readonly db: Db;
  /** What leases and schedules go by. */
  readonly time: MongoTime;

  constructor(uri: string, appName: string) {
    this.client = new MongoClient(uri, {
      appName,
      // A dead primary is noticed within seconds, and no call outlives these: the driver waits for ever by default, and
      // 7.9 ignores `timeoutMS`, which was to bound them all.
      serverSelectionTimeoutMS: 5_000,
      connectTimeoutMS: 5_000,
      socketTimeoutMS: 10_000,
      waitQueueTimeoutMS: 10_000,
      heartbeatFrequencyMS: 2_000,
      readConcernLevel: 'majority',
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: 8_000 },
    });
    this.db = this.client.db();
    this.time = new MongoTime(this.client);
  }

  /** @throws when no primary answers within two seconds */
  async ping(): Promise<void> {
    const patience = new AbortController();
    const late = sleep(PING_PATIENCE_MS, undefined, { signal: patience.signal }).then(() => {
      throw new Error(`no answer within ${PING_PATIENCE_MS} ms`);
    });
    try {
      await Promise.race([this.db.command({ ping: 1 }), late]);
    } finally {
      patience.abort();
      late.catch(() => undefined);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }
}
