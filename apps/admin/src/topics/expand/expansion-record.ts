import { randomUUID } from 'node:crypto';
import { MongoServerError, type Db } from 'mongodb';
import {
  endedProducers,
  topicPartitionsCollection,
  type Expansion,
  type TopicPartitions,
} from '#orders/topics/topic-partitions.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';

const DUPLICATE_KEY = 11000;
const AT_REST = { producers: [], expansion: null, earlier: [] };

/** Thrown when the stored expansion is not in the state that a step needs: another command has changed it. */
export class ExpansionChangedError extends Error {
  override readonly name = 'ExpansionChangedError';
  readonly code = 'expansion-changed';

  constructor() {
    super('Another command has completed or aborted this expansion. Run topics expand again to see what is left.');
  }
}

/** The stored state of an expansion. Each step is one compare-and-set, so that commands that run at once do no harm. */
export class ExpansionRecord {
  /** @param now returns the time by MongoDB's clock */
  constructor(
    private readonly db: Db,
    private readonly now: () => Date,
  ) {}

  /** Returns the state; `undefined` if no producer has ever started. */
  async read(): Promise<TopicPartitions | undefined> {
    return (await this.collection.findOne({ _id: ORDERS_TOPIC })) ?? undefined;
  }

  /** Requests all producers to close, unless an expansion runs. @returns the expansion that runs now */
  async begin(from: number, to: number): Promise<Expansion> {
    const expansion: Expansion = { id: randomUUID(), from, to, phase: 'closing', startedAt: this.now() };
    const { expansion: _, ...rest } = AT_REST;
    try {
      await this.collection.updateOne(
        { _id: ORDERS_TOPIC, expansion: null },
        { $set: { expansion }, $setOnInsert: rest },
        { upsert: true },
      );
    } catch (error) {
      // One that runs already.
      if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
    }
    const running = (await this.read())?.expansion;
    if (running === null || running === undefined) throw new ExpansionChangedError();
    return running;
  }

  /** Takes note that nothing is on its way. @param ends the end offset of each partition. @throws ExpansionChangedError */
  async beginGrowing({ id, from }: Expansion, ends: readonly number[]): Promise<void> {
    await this.change(
      { 'expansion.id': id, 'expansion.phase': 'closing' },
      {
        $set: { 'expansion.phase': 'growing' },
        $push: { earlier: { partitions: from, ends: [...ends], until: this.now() } },
      },
    );
  }

  /** Lets the producers send under the new count. @throws ExpansionChangedError */
  async complete({ id }: Expansion): Promise<void> {
    await this.change({ 'expansion.id': id, 'expansion.phase': 'growing' }, { $set: { expansion: null } });
  }

  /** Lets the producers send under the old count. @throws ExpansionChangedError if it is too late */
  async abort({ id }: Expansion): Promise<void> {
    await this.change({ 'expansion.id': id, 'expansion.phase': 'closing' }, { $set: { expansion: null } });
  }

  /** Removes producers that have ended without leaving. @returns the ids that were in the list */
  async declareEnded(ids: readonly string[]): Promise<readonly string[]> {
    const before = await this.collection.findOneAndUpdate(
      { _id: ORDERS_TOPIC },
      { $pull: { producers: { id: { $in: [...ids] } } } },
    );
    return before?.producers.map(({ id }) => id).filter((id) => ids.includes(id)) ?? [];
  }

  /** Removes producers that were silent for a day: they count as ended. */
  async removeEnded(): Promise<void> {
    await this.collection.updateOne({ _id: ORDERS_TOPIC }, { $pull: { producers: endedProducers(this.now()) } });
  }

  private async change(filter: object, update: object): Promise<void> {
    const { matchedCount } = await this.collection.updateOne({ _id: ORDERS_TOPIC, ...filter }, update);
    if (matchedCount === 0) throw new ExpansionChangedError();
  }

  private get collection() {
    return topicPartitionsCollection(this.db);
  }
}
