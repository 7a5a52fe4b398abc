import type { ArchivedRange } from '#orders/archive/archived-ranges.js';
import { type TopicPositions, ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import type { ArchiveStore, Candidate, SavedPositions } from './archive-store.js';
import { candidatePieces, type Selection } from './candidate-pieces.js';
import { MongoOrdersStore } from './mongo-orders-store.js';

/** All that archiving needs, in MongoDB and Kafka. */
export class MongoArchiveStore extends MongoOrdersStore implements ArchiveStore {
  constructor(
    mongo: Mongo,
    private readonly kafka: TopicPositions,
    private readonly selection: Selection,
  ) {
    super(mongo);
  }

  async ranges(): Promise<readonly ArchivedRange[]> {
    return this.listed.find().sort({ _id: 1 }).toArray();
  }

  candidates(): AsyncIterable<Candidate> {
    return candidatePieces(this.mongo.db, this.selection, this.now());
  }

  async positions(): Promise<SavedPositions> {
    // In this order: what is committed is never beyond the ends.
    const committed = await this.kafka.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC);
    return { committed, ends: await this.kafka.ends(ORDERS_TOPIC) };
  }

  async list({ _id, ...range }: ArchivedRange): Promise<void> {
    await this.listed.updateOne({ _id }, { $setOnInsert: range }, { upsert: true });
  }
}
