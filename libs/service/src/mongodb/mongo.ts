import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  type Db,
  MongoClient,
  MongoParseError,
  MongoServerSelectionError,
  type MongoClientOptions,
  type ServerHeartbeatSucceededEvent,
} from 'mongodb';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import type { DependencyState } from '../availability/dependency-state.js';
import { documentedAt, SettingsError } from '../settings/settings.js';

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
  async connectWhenAvailable(outages: DependencyState): Promise<void> {
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

/** Thrown while no primary can be reached. Its cause is the driver's error. */
class DatabaseUnreachableError extends Error {
  override readonly name = 'DatabaseUnreachableError';
  readonly code = 'database-away';
}

/** Creates a client of `MONGODB_URI`. @throws SettingsError if the driver does not accept the URI */
export function createMongoClient(uri: string, options: MongoClientOptions): MongoClient {
  try {
    return new MongoClient(uri, options);
  } catch (error) {
    if (!(error instanceof MongoParseError)) throw error;
    throw wrongUri(`is no connection string that MongoDB's driver accepts: ${error.message}`, error);
  }
}

/** Connects a client. @throws SettingsError if a file that the URI names can't be read, DatabaseUnreachableError, or the driver's error */
export async function connectMongoClient(client: MongoClient): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    if (error instanceof MongoServerSelectionError)
      throw new DatabaseUnreachableError(`MongoDB at MONGODB_URI can't be reached: ${error.message}`, { cause: error });
    if (!(error instanceof Error) || !('syscall' in error) || !('path' in error)) throw error;
    throw wrongUri(`names a file that can't be read: ${error.message}`, error);
  }
}

function wrongUri(what: string, cause: Error): SettingsError {
  return new SettingsError(`MONGODB_URI ${what} (${documentedAt('MONGODB_URI')})`, { cause });
}

/** Number of heartbeats to keep; they are two seconds apart. */
const KEPT = 5;

/**
 * Returns the time of the clock of MongoDB's primary, for everything that several processes agree on, such as the expiry of a
 * lease and the time at which an order is due. With local clocks, a process whose clock is an hour ahead would consider every
 * lease expired and hold its own for an hour.
 *
 * It learns the time from the responses to the driver's heartbeats. Between heartbeats, and while there is no primary, the
 * local clock continues from there. The error is at most the latency of a response. Not guaranteed: that the time never goes
 * back, such as after an election of a member whose clock is behind.
 */
export class MongoTime {
  private primary: string | undefined;
  private leads: number[] = [];

  constructor(
    client: Pick<MongoClient, 'on'>,
    private readonly clock: Clock = systemClock,
  ) {
    client.on('serverHeartbeatSucceeded', (event) => this.note(event));
  }

  /** Returns the local time until the first heartbeat; no command has a response before that either. */
  now(): Date {
    return new Date(this.clock.now() + (this.leads.length === 0 ? 0 : Math.max(...this.leads)));
  }

  private note({ connectionId, reply }: ServerHeartbeatSucceededEvent): void {
    const { isWritablePrimary, localTime } = reply as { isWritablePrimary?: boolean; localTime?: Date };
    if (isWritablePrimary !== true || localTime === undefined) return;
    if (connectionId !== this.primary) this.leads = [];
    this.primary = connectionId;
    // A response that was unread while this process hung gives too early a time, so the greatest of a few leads is used.
    this.leads = [...this.leads.slice(1 - KEPT), localTime.getTime() - this.clock.now()];
  }
}
