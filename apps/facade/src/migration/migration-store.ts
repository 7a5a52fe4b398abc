import { randomUUID } from 'node:crypto';
import type { Collection } from 'mongodb';
import { isDuplicateKey } from '#service/mongodb/mongo-errors.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { requireRestored } from '#service/mongodb/connect-prepared.js';
import { timeLimit } from '#orders/time-limit.js';
import type { GateCondition } from '../stages/gate.js';
import { type MigrationSnapshot, initialSnapshot } from '../stages/stages.js';

/** What happened: `change` began, `done`, `abandoned` after its deadline, `refusal`, automatic `rollback`, `alert`, `hold`, `release`. */
type AuditAction = 'change' | 'done' | 'abandoned' | 'refusal' | 'rollback' | 'alert' | 'hold' | 'release';

/** One line of the audit. Entries are only ever added. */
export interface AuditEntry {
  readonly id: string;
  readonly at: Date;
  /** The subject of the caller's token, `anonymous` without tokens, or `facade` for what it does by itself. */
  readonly by: string;
  readonly action: AuditAction;
  readonly reason: string;
  /** The revision of the state that the entry is about. */
  readonly revision: number;
  readonly capability?: string;
  readonly from?: string;
  readonly to?: string;
  readonly isForced?: boolean;
  /** The code of a refusal. */
  readonly code?: string;
  /** The gate as it was. */
  readonly gate?: readonly GateCondition[];
}

export function auditEntry(entry: Omit<AuditEntry, 'id'>): AuditEntry {
  return { id: randomUUID(), ...entry };
}

/** Who a process is in the registry. */
export interface InstanceIdentity {
  /** Stable: a restarted process has the name of the one before. */
  readonly name: string;
  /** Random for each start. */
  readonly process: string;
  /** Where it listens: host name and port. Only one process listens there, so that a later one of its name is its successor. */
  readonly address: string;
}

/** A facade process that may serve requests. */
export interface RegisteredInstance extends Pick<InstanceIdentity, 'name' | 'process'> {
  /** The revision that it has applied, and under which all that it began before has ended. */
  readonly revision: number;
  readonly refreshedAt: Date;
}

/**
 * The state of the migration, shared by all instances. Each method is one majority write or read of one document, and rejects while
 * the database is unavailable; a rejected write may have happened.
 */
export interface MigrationStore {
  /** The time of the database, for everything that several instances compare. */
  now(): Date;

  /** Returns the newest snapshot; creates the initial one. */
  read(): Promise<MigrationSnapshot>;

  /**
   * Replaces the snapshot of the revision before `next.revision`, together with what the audit must say about it.
   * @returns `false`, and changes nothing, if that revision is no longer the newest
   */
  replace(next: MigrationSnapshot, entry: AuditEntry | null): Promise<boolean>;

  /** Adds an entry that changes nothing, such as a refusal. */
  append(entry: AuditEntry): Promise<void>;

  /** Returns the newest entries first. */
  audit(limit: number): Promise<readonly AuditEntry[]>;

  /**
   * Registers a process, instead of an earlier one of its name at its address. One of its name at another address stays registered: it may be
   * cut off from the database, and still serve clients.
   */
  register(identity: InstanceIdentity): Promise<void>;

  /**
   * Renews a registration, and stores which revision the process has applied.
   * @returns `false` if the process is no longer registered
   */
  acknowledge(identity: InstanceIdentity, revision: number): Promise<boolean>;

  instances(): Promise<readonly RegisteredInstance[]>;

  /** Ends the registration of a process that shuts down, or that can't serve clients any more. */
  deregister(process: string): Promise<void>;
}

const STATE_ID = 'state';
/** A read must not wait longer than a snapshot is valid. */
const READ_LIMIT_MS = timeLimit(2_000);

interface StateDocument extends MigrationSnapshot {
  readonly _id: typeof STATE_ID;
  /** Entries that are not in the audit collection yet: a change and its entry are one write. */
  readonly unaudited: readonly AuditEntry[];
}

type AuditDocument = Omit<AuditEntry, 'id'> & { readonly _id: string };

interface InstanceDocument {
  /** Name and address. */
  readonly _id: string;
  readonly name: string;
  readonly process: string;
  readonly revision: number;
  readonly refreshedAt: Date;
}

/** The state in MongoDB: collections `migration`, `migrationAudit` and `migrationInstances`. */
export class MongoMigrationStore implements MigrationStore {
  private readonly states: Collection<StateDocument>;
  private readonly entries: Collection<AuditDocument>;
  private readonly registrations: Collection<InstanceDocument>;
  private isRestored = false;

  constructor(private readonly mongo: Mongo) {
    this.states = mongo.db.collection('migration');
    this.entries = mongo.db.collection('migrationAudit');
    this.registrations = mongo.db.collection('migrationInstances');
  }

  now(): Date {
    return this.mongo.time.now();
  }

  /** @throws RestoreUnfinishedError while this process has met nothing but a part of a backup, or the driver's error */
  async read(): Promise<MigrationSnapshot> {
    if (!this.isRestored) await requireRestored(this.mongo.db);
    this.isRestored = true;
    const found = await this.find();
    if (found !== null) return withoutAudit(found);
    try {
      await this.states.insertOne({ _id: STATE_ID, ...initialSnapshot(this.now()), unaudited: [] });
    } catch (error) {
      // Another instance was faster.
      if (!isDuplicateKey(error)) throw error;
    }
    return this.read();
  }

  async replace(next: MigrationSnapshot, entry: AuditEntry | null): Promise<boolean> {
    await this.flushAudit();
    const { matchedCount } = await this.states.updateOne(
      { _id: STATE_ID, revision: next.revision - 1 },
      { $set: next, ...(entry !== null && { $push: { unaudited: entry } }) },
    );
    if (matchedCount === 1 && entry !== null) await this.flushAudit();
    return matchedCount === 1;
  }

  async append(entry: AuditEntry): Promise<void> {
    await this.entries.insertOne(toDocument(entry));
  }

  async audit(limit: number): Promise<readonly AuditEntry[]> {
    await this.flushAudit();
    const found = await this.entries.find().sort({ at: -1, revision: -1 }).limit(limit).toArray();
    return found.map(fromDocument);
  }

  async register({ name, process, address }: InstanceIdentity): Promise<void> {
    const registered = { name, process, revision: 0, refreshedAt: this.now() };
    await this.registrations.updateOne({ _id: keyOf({ name, address }) }, { $set: registered }, { upsert: true });
  }

  async acknowledge({ name, process, address }: InstanceIdentity, revision: number): Promise<boolean> {
    const { matchedCount } = await this.registrations.updateOne(
      { _id: keyOf({ name, address }), process },
      { $set: { revision, refreshedAt: this.now() } },
    );
    return matchedCount === 1;
  }

  async instances(): Promise<readonly RegisteredInstance[]> {
    const found = await this.registrations.find().sort({ _id: 1 }).toArray();
    return found.map(({ _id, ...instance }) => instance);
  }

  async deregister(process: string): Promise<void> {
    await this.registrations.deleteOne({ process });
  }

  private async find(): Promise<StateDocument | null> {
    return this.states.findOne({ _id: STATE_ID }, { maxTimeMS: READ_LIMIT_MS });
  }

  /** Moves entries from the state to the audit. Repeating a part of it after a crash changes nothing. */
  private async flushAudit(): Promise<void> {
    const { unaudited = [] } = (await this.find()) ?? {};
    if (unaudited.length === 0) return;
    const upserts = unaudited.map((entry) => {
      const { _id, ...fields } = toDocument(entry);
      return { updateOne: { filter: { _id }, update: { $setOnInsert: fields }, upsert: true } };
    });
    await this.entries.bulkWrite(upserts, { ordered: false });
    const ids = unaudited.map(({ id }) => id);
    await this.states.updateOne({ _id: STATE_ID }, { $pull: { unaudited: { id: { $in: ids } } } });
  }
}

function keyOf({ name, address }: Pick<InstanceIdentity, 'name' | 'address'>): string {
  return `${name}@${address}`;
}

function withoutAudit({ _id, unaudited: _unaudited, ...snapshot }: StateDocument): MigrationSnapshot {
  return snapshot;
}

function fromDocument({ _id, ...entry }: AuditDocument): AuditEntry {
  return { id: _id, ...entry };
}

function toDocument({ id, ...entry }: AuditEntry): AuditDocument {
  return { _id: id, ...entry };
}
