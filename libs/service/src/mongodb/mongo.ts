import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Db, MongoClient } from 'mongodb';
import type { Outages } from '../availability/outages.js';
import { connectMongoClient, createMongoClient } from './mongo-client.js';
import { MongoTime } from './mongo-time.js';
import { timeLimit } from '#orders/time-limit.js';

const PING_TIMEOUT_MS = timeLimit(2_000);
const CONNECT_AGAIN_MS = 1_000;
/**
 * For services that answer requests. The members notice after 10 s that a primary is dead (`electionTimeoutMillis`), and then elect
 * another one. On a busy machine this took more than 15 s.
 */
export const LONGER_THAN_AN_ELECTION_MS = timeLimit(20_000);

/** The connection to MongoDB, one per process. */
@Injectable()
export class Mongo implements OnApplicationShutdown {
  readonly client: MongoClient;
  readonly db: Db;
  /** The clock for leases and schedules. */
  readonly time: MongoTime;
  private isClosed = false;
  /** Why the first connection has failed so far. */
  private unreachable: Error | undefined;
  private readonly closing: (() => Promise<void>)[] = [];

  /** @param waitForPrimaryMs how long a call waits for a primary before it fails, in milliseconds */
  constructor(uri: string, appName: string, waitForPrimaryMs = timeLimit(5_000)) {
    this.client = createMongoClient(uri, {
      appName,
      // These detect a dead primary within seconds and bound every call: by default the driver waits for ever, and
      // version 7.9 ignores `timeoutMS`, which should bound all calls.
      serverSelectionTimeoutMS: waitForPrimaryMs,
      connectTimeoutMS: timeLimit(5_000),
      socketTimeoutMS: timeLimit(10_000),
      waitQueueTimeoutMS: timeLimit(10_000),
      heartbeatFrequencyMS: 2_000,
      readConcernLevel: 'majority',
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: timeLimit(8_000) },
    });
    this.db = this.client.db();
    this.time = new MongoTime(this.client);
  }

  /**
   * Connects. If the first connection fails, the driver (7.9) closes its topology, and all later calls fail until this succeeds.
   * @throws SettingsError if a file that the URI names can't be read, or the driver's error
   */
  async connect(): Promise<void> {
    await connectMongoClient(this.client);
  }

  /** Connects in the background until it succeeds, for a service that also works without MongoDB. */
  async connectWhenAvailable(outages: Outages): Promise<void> {
    while (!this.isClosed) {
      try {
        await this.connect();
        this.unreachable = undefined;
        outages.works('mongodb');
        return;
      } catch (error) {
        if (this.isClosed) return;
        this.unreachable = error as Error;
        outages.failed('mongodb', error);
        await sleep(CONNECT_AGAIN_MS, undefined, { ref: false });
      }
    }
  }

  /** @throws when no primary responds within 2 s */
  async ping(): Promise<void> {
    // All that the driver would say is that its topology is closed.
    if (this.unreachable !== undefined) throw this.unreachable;
    const session = this.client.startSession({ causalConsistency: false });
    const timer = new AbortController();
    const timeout = sleep(PING_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
      throw new Error(`no response within ${PING_TIMEOUT_MS} ms`);
    });
    try {
      await Promise.race([this.db.command({ ping: 1 }, { session }), timeout]);
    } finally {
      timer.abort();
      timeout.catch(() => undefined);
      void session.endSession();
    }
  }

  /** Registers what must end before the connection closes. */
  beforeClose(end: () => Promise<void>): void {
    this.closing.push(end);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.closing.map(async (end) => end()));
    await this.client.close();
  }
}
