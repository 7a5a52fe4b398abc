import { MongoBulkWriteError } from 'mongodb';
import { Counter, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { pause, succeededWithin, type Clock } from '@orders-pipeline/clock';
import { auditCollection, bounded, type AuditEvent, type AuditFacts } from './audit-event.js';
import type { Mongo } from '../mongodb/mongo.js';
import { timeLimit } from '#orders/time-limit.js';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** The most events that wait for MongoDB, about 10 MB. */
const MAX_WAITING = 10_000;
const BATCH = 500;
const RETRY_MS = 1_000;
const CLOSE_TIMEOUT_MS = timeLimit(3_000);
const DUPLICATE_KEY = 11_000;

export interface AuditTrailParts {
  /** The service whose requests are audited. */
  readonly service: string;
  readonly retentionDays: number;
  readonly mongo: Pick<Mongo, 'db' | 'time'>;
  /** Gets a line for each event, whether or not MongoDB is available. */
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly clock: Clock;
  readonly registry: Registry;
}

/**
 * Logs and stores audit events. No request waits for it: events are inserted in the background, in order, and repeated until MongoDB takes
 * them. What a crash takes along, and what does not fit while MongoDB is away, is in the log only.
 */
export class AuditTrail {
  private readonly waiting: AuditEvent[] = [];
  private readonly unstored: Counter;
  private writing: Promise<void> | undefined;
  private isAway = false;
  private isClosed = false;

  constructor(private readonly parts: AuditTrailParts) {
    this.unstored = new Counter({
      name: 'audit_events_unstored_total',
      help: 'Audit events that are in the log only: too many waited for MongoDB, or the process ended before it was available',
      registers: [parts.registry],
    });
  }

  record(facts: AuditFacts): void {
    const { service, retentionDays, mongo, log } = this.parts;
    const { action, ...rest } = bounded(facts);
    const at = mongo.time.now();
    log.info(
      { audit: action, ...rest },
      `${action} by ${rest.subject ?? rest.clientId ?? 'anonymous'}: ${rest.outcome}`,
    );
    if (this.isClosed || this.waiting.length >= MAX_WAITING) {
      this.unstored.inc();
      return;
    }
    const expiresAt = new Date(at.getTime() + retentionDays * DAY_MS);
    this.waiting.push({ _id: uuidv7({ msecs: at.getTime() }), at, service, action, ...rest, expiresAt });
    this.writing ??= this.write();
  }

  /** Stores what waits, within 3 seconds. Call it before the connection to MongoDB closes. */
  async close(): Promise<void> {
    const hasStored = await succeededWithin(this.parts.clock, CLOSE_TIMEOUT_MS, this.drain());
    this.isClosed = true;
    if (hasStored) return;
    this.unstored.inc(this.waiting.length);
    this.parts.log.warn({ events: this.waiting.length }, 'audit events are in the log only: MongoDB is unavailable');
  }

  /** Stores what waits, and what is recorded meanwhile. Later events are counted as unstored. */
  private async drain(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
    this.isClosed = true;
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0 && !this.isClosed) {
      const batch = this.waiting.slice(0, BATCH);
      try {
        await this.insert(batch);
        this.waiting.splice(0, batch.length);
        if (this.isAway) this.parts.log.info({ audit: 'stored-again' }, 'audit events are stored again');
        this.isAway = false;
      } catch (error) {
        if (!this.isAway) this.parts.log.warn({ reason: String(error) }, 'audit events wait for MongoDB');
        this.isAway = true;
        await pause(this.parts.clock, RETRY_MS);
      }
    }
    // In the same turn in which nothing waits: an event that is recorded from here on starts another write.
    this.writing = undefined;
  }

  private async insert(batch: readonly AuditEvent[]): Promise<void> {
    const { db } = this.parts.mongo;
    try {
      await auditCollection(db).insertMany([...batch], { ordered: false });
    } catch (error) {
      if (!isStoredAlready(error)) throw error;
    }
  }
}

/** Returns whether all that failed was stored by an earlier attempt, whose response was lost. */
function isStoredAlready(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError)) return false;
  return (
    error.result.getWriteConcernError() === undefined &&
    [error.writeErrors].flat().every(({ code }) => code === DUPLICATE_KEY)
  );
}
