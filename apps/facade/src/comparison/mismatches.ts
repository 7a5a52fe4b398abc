import { ObjectId, type Collection, type Db, type Filter } from 'mongodb';
import { requireIndexes } from '#service/mongodb/require-indexes.js';
import type { Capability } from '../stages/capability.js';
import type { Difference } from './differences.js';
import { timeLimit } from '#orders/time-limit.js';

/** What a comparison has found. */
export interface FoundMismatch {
  readonly capability: Capability;
  /** The version of the capability's state. */
  readonly version: number;
  /** What was asked for, such as an id or `read-by-page:7`. */
  readonly key: string;
  readonly paths: readonly Difference[];
  /** The answers as text, shortened. */
  readonly legacyRaw: string;
  readonly newRaw: string;
  /**
   * `differs`: it still differed after the re-check. `passed`: the answers were equal by then, but no open write explains the difference,
   * such as an answer that was HTML once.
   */
  readonly recheck: 'differs' | 'passed';
  /** The code of the first difference that has one. Stable. */
  readonly code?: string;
}

/** A stored mismatch. The same finding about the same key in the same version is stored once, and counted. */
export interface MismatchDocument extends FoundMismatch {
  readonly _id: ObjectId;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly count: number;
}

export interface MismatchQuery {
  readonly capability?: Capability | undefined;
  readonly recheck?: FoundMismatch['recheck'] | undefined;
  /** The id of the last mismatch of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** More are counted, and not stored. */
const MAX_STORED = 5_000;
const MAX_RAW_CHARACTERS = 16 * 1024;
const DUPLICATE_KEY = 11_000;

/** The mismatches of all instances, in MongoDB. */
export class Mismatches {
  private indexed: Promise<void> | undefined;

  constructor(private readonly db: Db) {}

  /** Stores a mismatch durably. @returns whether it was stored; `false` if there are 5,000 already */
  async store({ capability, version, key, recheck, ...found }: FoundMismatch, at: Date): Promise<boolean> {
    await this.requireIndex();
    const finding = { capability, version, key, recheck };
    const newest = {
      paths: found.paths,
      legacyRaw: found.legacyRaw.slice(0, MAX_RAW_CHARACTERS),
      newRaw: found.newRaw.slice(0, MAX_RAW_CHARACTERS),
      ...(found.code !== undefined && { code: found.code }),
      lastAt: at,
    };
    const known = await this.collection.updateOne(finding, { $set: newest, $inc: { count: 1 } });
    if (known.matchedCount > 0) return true;
    if ((await this.collection.estimatedDocumentCount()) >= MAX_STORED) return false;
    const update = { $set: newest, $inc: { count: 1 }, $setOnInsert: { firstAt: at } };
    try {
      await this.collection.updateOne(finding, update, { upsert: true });
    } catch (error) {
      // Another instance has stored the same finding meanwhile.
      if (!isDuplicate(error)) throw error;
      await this.collection.updateOne(finding, update);
    }
    return true;
  }

  /** Returns the newest mismatches first. */
  async list({ capability, recheck, after, limit }: MismatchQuery): Promise<readonly MismatchDocument[]> {
    const filter: Filter<MismatchDocument> = {
      ...(capability !== undefined && { capability }),
      ...(recheck !== undefined && { recheck }),
      ...(after !== undefined && { _id: { $lt: new ObjectId(after) } }),
    };
    return this.collection.find(filter, { sort: { _id: -1 }, limit, maxTimeMS: timeLimit(5_000) }).toArray();
  }

  /** At the first use: the facade also starts while MongoDB is away. */
  private async requireIndex(): Promise<void> {
    this.indexed ??= requireIndexes(this.db, ['migrationMismatches']);
    try {
      await this.indexed;
    } catch (error) {
      this.indexed = undefined;
      throw error;
    }
  }

  private get collection(): Collection<MismatchDocument> {
    return this.db.collection<MismatchDocument>('migrationMismatches');
  }
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === DUPLICATE_KEY;
}
