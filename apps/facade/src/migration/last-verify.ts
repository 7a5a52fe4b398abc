import type { Collection } from 'mongodb';
import type { Mongo } from '#service/mongodb/mongo.js';
import type { VerifyResult } from '../stages/gate.js';
import type { Verifies } from './change-facts.js';

/** A verify of both sides, in the collection `migrationVerifies`. */
interface VerifyDocument extends VerifyResult {
  /** `null` while it runs. */
  readonly finishedAt: Date | null;
}

/** The verifies in MongoDB. */
export class MongoVerifies implements Verifies {
  private readonly verifies: Collection<VerifyDocument>;

  constructor({ db }: Mongo) {
    this.verifies = db.collection('migrationVerifies');
  }

  async last(): Promise<VerifyResult | null> {
    return this.verifies.findOne({ finishedAt: { $ne: null } }, { sort: { finishedAt: -1 } });
  }
}
