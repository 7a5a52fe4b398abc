import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { MongoServerError } from 'mongodb';
import { endedProducers, topicPartitionsCollection, type TopicPartitions } from '#orders/topics/topic-partitions.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { Mongo } from '#service/mongodb/mongo.js';

const DUPLICATE_KEY = 11000;

/**
 * This process in the list of producers. Each call changes the document and returns it as one step, so that an expansion either finds
 * the process in the list, or is found by it.
 */
export class ProducerList {
  private readonly id = randomUUID();

  constructor(private readonly mongo: Mongo) {}

  /** Adds this process, and removes those that were silent for a day. Repeatable after an error. */
  async join(): Promise<TopicPartitions> {
    const now = this.mongo.time.now();
    const own = { id: this.id, host: hostname(), pid: process.pid, at: now, closedFor: null };
    await this.createDocument();
    await this.collection.updateOne({ _id: ORDERS_TOPIC }, { $pull: { producers: endedProducers(now) } });
    // An earlier attempt may have taken effect although it failed.
    await this.leave();
    const joined = await this.collection.findOneAndUpdate(
      { _id: ORDERS_TOPIC },
      { $push: { producers: own } },
      { returnDocument: 'after' },
    );
    if (joined === null) throw new Error(`the document of ${ORDERS_TOPIC} was removed`);
    return joined;
  }

  /**
   * Gives a sign of life. @param closedFor the expansion for which this process has closed
   * @returns `undefined` if the process is not in the list any more: an operator has declared it ended
   */
  async renew(closedFor: string | null): Promise<TopicPartitions | undefined> {
    const renewed = await this.collection.findOneAndUpdate(
      { _id: ORDERS_TOPIC, 'producers.id': this.id },
      { $set: { 'producers.$.at': this.mongo.time.now(), 'producers.$.closedFor': closedFor } },
      { returnDocument: 'after' },
    );
    return renewed ?? undefined;
  }

  /** Removes this process. Call it when it sends nothing any more. */
  async leave(): Promise<void> {
    await this.collection.updateOne({ _id: ORDERS_TOPIC }, { $pull: { producers: { id: this.id } } });
  }

  private async createDocument(): Promise<void> {
    try {
      await this.collection.updateOne(
        { _id: ORDERS_TOPIC },
        { $setOnInsert: { producers: [], expansion: null, earlier: [] } },
        { upsert: true },
      );
    } catch (error) {
      // Another process has created it at the same time.
      if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
    }
  }

  private get collection() {
    return topicPartitionsCollection(this.mongo.db);
  }
}
