import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { consumersCollection, type ConsumerHeartbeat } from '#orders/consumer-heartbeat.js';
import { deadLettersCollection } from '#orders/dead-letters.js';
import { TopicPositions, type Positions } from '#orders/topic-positions.js';
import { ORDERS_TOPIC, SAVERS_GROUP } from '#orders/topics.js';
import { systemClock } from '#parallel-consumer/clock.js';
import { Mongo } from '#service/mongo.js';
import { SingleFlight } from './single-flight.js';

export type SeenConsumer = ConsumerHeartbeat & {
  /** Milliseconds since its heartbeat, by MongoDB's clock. */
  readonly ageMs: number;
};

/** All that there is to see at one moment; `null` is unknown. */
export interface PipelineSnapshot {
  /** Milliseconds, of a clock that only runs forward. */
  readonly at: number;
  readonly ends: Positions | null;
  readonly committed: Positions | null;
  readonly consumers: readonly SeenConsumer[] | null;
  /** Those that wait for somebody. */
  readonly deadLetters: number | null;
}

const PATIENCE_MS = 900;
/** A consumer that is not heard of any more is shown as such for so long. */
const REMEMBERED_MS = 30_000;

/** Looks at Kafka and MongoDB, each for itself: one that is away leaves the rest known. */
@Injectable()
export class PipelineSnapshots implements OnApplicationShutdown {
  private readonly ends = new SingleFlight(async () => this.positions.ends(ORDERS_TOPIC), systemClock, PATIENCE_MS);
  private readonly committed = new SingleFlight(
    async () => this.positions.committed(SAVERS_GROUP, ORDERS_TOPIC),
    systemClock,
    PATIENCE_MS,
  );
  private readonly consumers = new SingleFlight(async () => this.heartbeats(), systemClock, PATIENCE_MS);
  private readonly deadLetters = new SingleFlight(
    async () => deadLettersCollection(this.mongo.db).countDocuments({ state: 'pending' }),
    systemClock,
    PATIENCE_MS,
  );

  constructor(
    private readonly positions: TopicPositions,
    private readonly mongo: Mongo,
  ) {}

  async look(): Promise<PipelineSnapshot> {
    const at = performance.now();
    const [ends, committed, consumers, deadLetters] = await Promise.all([
      this.ends.answer(),
      this.committed.answer(),
      this.consumers.answer(),
      this.deadLetters.answer(),
    ]);
    return { at, ends, committed, consumers, deadLetters };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.positions.close();
  }

  private async heartbeats(): Promise<SeenConsumer[]> {
    return consumersCollection(this.mongo.db)
      .aggregate<SeenConsumer>([
        { $set: { ageMs: { $subtract: ['$$NOW', '$at'] } } },
        { $match: { ageMs: { $lte: REMEMBERED_MS } } },
      ])
      .toArray();
  }
}
