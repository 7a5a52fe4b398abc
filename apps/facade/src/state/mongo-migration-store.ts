import type { Collection } from 'mongodb';
import type { Mongo } from '#service/mongodb/mongo.js';
import { requireRestored } from '#service/mongodb/restore-marker.js';
import { initialSnapshot, type MigrationSnapshot } from '../stages/migration-snapshot.js';
import type { AuditEntry } from './audit-entry.js';
import type { InstanceIdentity, MigrationStore, RegisteredInstance } from './migration-store.js';
import { timeLimit } from '#orders/time-limit.js';

const STATE_ID = 'state';
const DUPLICATE_KEY = 11_000;
/** A read must not wait longer than a snapshot is valid. */
const READ_LIMIT_MS = timeLimit(2_000);

interface StateDocument extends MigrationSnapshot {
  readonly _id: typeof STATE_ID;
  /** Entries that are not in the audit collection yet: a change and its entry are one write. */
  readonly unaudited: readonly AuditEntry[];
}

type AuditDocument = Omit<AuditEntry, 'id'> & { readonly _id: string };

interface InstanceDocument {
  /** Name and place. */
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
      if ((error as { code?: unknown }).code !== DUPLICATE_KEY) throw error;
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

  async register({ name, process, place }: InstanceIdentity): Promise<void> {
    const registered = { name, process, revision: 0, refreshedAt: this.now() };
    await this.registrations.updateOne({ _id: keyOf({ name, place }) }, { $set: registered }, { upsert: true });
  }

  async acknowledge({ name, process, place }: InstanceIdentity, revision: number): Promise<boolean> {
    const { matchedCount } = await this.registrations.updateOne(
      { _id: keyOf({ name, place }), process },
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

function keyOf({ name, place }: Pick<InstanceIdentity, 'name' | 'place'>): string {
  return `${name}@${place}`;
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
