import { Injectable } from '@nestjs/common';
import { Mongo } from '#service/mongodb/mongo.js';
import { findingsCollection } from './run-document.js';

/** How many findings of a run are stored. All are counted. */
export const MAX_STORED = 10_000;

/** What the runs have found, in MongoDB. @typeParam F a finding */
@Injectable()
export class StoredFindings<F> {
  constructor(private readonly mongo: Mongo) {}

  /**
   * Stores the findings of an interval in place of earlier ones of it.
   * @param countedBefore how many findings the run has had in other intervals: only the first 10,000 are stored
   */
  async replace(run: string, from: number, findings: readonly F[], countedBefore: number): Promise<void> {
    await this.collection.deleteMany({ run, from });
    const kept = findings.slice(0, Math.max(0, MAX_STORED - countedBefore));
    if (kept.length > 0) await this.collection.insertMany(kept.map((finding) => ({ run, from, finding })));
  }

  /** Returns the findings of a run, by number, in pages. */
  async list(run: string, { skip, limit }: { readonly skip: number; readonly limit: number }): Promise<F[]> {
    const found = this.collection.find({ run }, { sort: { from: 1, _id: 1 } });
    return (await found.skip(skip).limit(limit).toArray()).map(({ finding }) => finding as F);
  }

  private get collection() {
    return findingsCollection(this.mongo.db);
  }
}
