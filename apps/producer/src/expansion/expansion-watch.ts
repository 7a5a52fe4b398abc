import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type Clock, systemClock } from '@orders-pipeline/clock';
import {
  endedProducers,
  SIGN_OF_LIFE_EVERY_MS,
  type TopicPartitions,
  topicPartitionsCollection,
} from '#orders/topics/topic-partitions.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { isDuplicateKey } from '#service/mongodb/mongo-errors.js';
import type { WakeUp } from '../background/leased-job.js';
import type { SendGate } from '../publishing/send-gate.js';

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
      if (!isDuplicateKey(error)) throw error;
    }
  }

  private get collection() {
    return topicPartitionsCollection(this.mongo.db);
  }
}

/**
 * Lets this process send once it is in the list of producers, closes its gate when the topic gets more partitions, confirms that, and
 * opens it with the new count. While MongoDB is unavailable, an open gate stays open, since no expansion goes on without this process, and a
 * closed one stays closed.
 */
export class ExpansionWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('expansion');
  private expansion: string | null = null;
  private isListed = false;
  private isStopped = false;
  private cancel: () => void = () => undefined;
  private renewing: Promise<void> = Promise.resolve();

  /** @param countPartitions reads the partitions that the topic has now. @param gate closed */
  constructor(
    private readonly list: Pick<ProducerList, 'join' | 'renew' | 'leave'>,
    private readonly countPartitions: () => Promise<number>,
    private readonly gate: SendGate,
    private readonly wakeUp: WakeUp,
    private readonly clock: Clock = systemClock,
  ) {}

  /** Resolves when the process may send, or when it has to wait for that. */
  async onApplicationBootstrap(): Promise<void> {
    await this.renew();
    this.schedule();
  }

  /** Leaves the list: everything that sends has stopped before. */
  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    this.cancel();
    await this.renewing;
    try {
      await this.list.leave();
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'cannot leave the list of producers: an expansion will ask for it');
    }
  }

  private schedule(): void {
    if (this.isStopped) return;
    this.cancel = this.clock.after(SIGN_OF_LIFE_EVERY_MS, () => {
      this.renewing = this.renew().then(() => this.schedule());
    });
  }

  private async renew(): Promise<void> {
    try {
      await this.follow((await this.listed()) ?? (await this.joined()));
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'cannot follow the list of producers, retrying');
    }
  }

  /** @returns `undefined` if the process is not in the list */
  private async listed(): Promise<TopicPartitions | undefined> {
    if (!this.isListed) return undefined;
    const found = await this.list.renew(this.gate.isClosed ? this.expansion : null);
    if (found === undefined) this.logger.error('declared ended by an operator, but running: closes and joins again');
    return found;
  }

  /** An expansion may have taken place without this process. */
  private async joined(): Promise<TopicPartitions> {
    this.isListed = false;
    await this.gate.close();
    const joined = await this.list.join();
    this.isListed = true;
    return joined;
  }

  private async follow({ expansion }: TopicPartitions): Promise<void> {
    this.expansion = expansion?.id ?? null;
    if (expansion !== null) return this.close(expansion.to);
    if (!this.gate.isClosed) return;
    this.gate.open(await this.countPartitions());
    this.logger.log({ partitions: this.gate.partitions }, 'sending');
    this.wakeUp.call();
  }

  private close(to: number): void {
    if (!this.gate.isOpen) return;
    this.logger.log({ from: this.gate.partitions, to }, 'the topic gets more partitions: sending stops');
    this.gate.close().catch((error: unknown) => {
      this.logger.error({ reason: String(error) }, 'cannot close: an expansion waits for this process');
    });
  }
}
