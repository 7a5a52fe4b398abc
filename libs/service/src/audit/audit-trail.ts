import { type Collection, type Db } from 'mongodb';
import { Counter, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { pause, succeededWithin, type Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { hasOnlyDuplicates } from '../mongodb/mongo-errors.js';
import type { Mongo } from '../mongodb/mongo.js';
import { inTrace } from '../telemetry/tracing.js';

/** `done`: below 400. `refused`: 4xx, nothing was changed. `failed`: 5xx, the change may have been made or not. */
export const OUTCOMES = ['done', 'refused', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What a request tried to change, who sent it, and what came of it. It never contains a header, a body or a query. */
export interface AuditFacts {
  readonly action: string;
  /** The subject of the token; `null` without a valid one. */
  readonly subject: string | null;
  /** The client that the token was issued to, or the client of an API key. */
  readonly clientId: string | null;
  /** The caller's address; behind a proxy in TRUST_PROXY, the address that it forwarded. */
  readonly ip: string;
  readonly requestId: string;
  /** What the action is about: the id of an operation or of a run, or a capability. */
  readonly target: string | null;
  readonly outcome: Outcome;
  /** The HTTP status. */
  readonly status: number;
  /** The code of the problem. */
  readonly code: string | null;
  /** How many events this one stands for, if it stands for several. */
  readonly count?: number;
}

/** A stored event. Events are only inserted; MongoDB removes them when they expire. */
export interface AuditEvent extends AuditFacts {
  /** A UUIDv7: ids sort by time. */
  readonly _id: string;
  readonly at: Date;
  readonly service: string;
  readonly expiresAt: Date;
}

/** Longest text of an event, in characters: an event has about 1 KiB at most. */
const MAX_TEXT = 200;

export function auditCollection(db: Db): Collection<AuditEvent> {
  return db.collection<AuditEvent>('auditEvents');
}

/** Logs an audit event. */
export function logAudited(log: Pick<Logger, 'info'>, facts: AuditFacts): void {
  const { action, ...rest } = bounded(facts);
  log.info({ audit: action, ...rest }, `${action} by ${rest.subject ?? rest.clientId ?? 'anonymous'}: ${rest.outcome}`);
}

/** Shortens the texts that a client chooses. */
function bounded(facts: AuditFacts): AuditFacts {
  return { ...facts, subject: short(facts.subject), clientId: short(facts.clientId), target: short(facts.target) };
}

function short(text: string | null): string | null {
  return text?.slice(0, MAX_TEXT) ?? null;
}

const DAY_MS = 24 * 60 * 60 * 1_000;
/** The most events that wait for MongoDB, about 10 MB. */
const MAX_WAITING = 10_000;
const BATCH = 500;
const RETRY_MS = 1_000;
const CLOSE_TIMEOUT_MS = timeLimit(3_000);

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
 * them. What a crash takes along, and what does not fit while MongoDB is unavailable, is in the log only.
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
    const at = mongo.time.now();
    logAudited(log, facts);
    if (this.isClosed || this.waiting.length >= MAX_WAITING) {
      this.unstored.inc();
      return;
    }
    const expiresAt = new Date(at.getTime() + retentionDays * DAY_MS);
    this.waiting.push({ _id: uuidv7({ msecs: at.getTime() }), at, service, ...bounded(facts), expiresAt });
    this.writing ??= inTrace(undefined, async () => this.write());
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
      // An earlier attempt has stored them, and its response was lost.
      if (!hasOnlyDuplicates(error)) throw error;
    }
  }
}
