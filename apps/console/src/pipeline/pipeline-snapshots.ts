import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { consumersCollection, type ConsumerHeartbeat } from '#orders/consumer/consumers.js';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { type Positions, ORDERS_TOPIC, ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';
import { loggedDependencyState } from '#service/availability/dependency-state.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import { succeededWithin, systemClock, type Clock } from '@orders-pipeline/clock';
import { Mongo } from '#service/mongodb/mongo.js';
import { timeLimit } from '#orders/time-limit.js';

export type SeenConsumer = ConsumerHeartbeat & {
  /** Milliseconds since its heartbeat, by MongoDB's clock. */
  readonly ageMs: number;
};

/** The state of the pipeline at one moment; `null` is unknown. */
export interface PipelineSnapshot {
  /** Milliseconds since 1970, of a monotonic clock. */
  readonly at: number;
  readonly ends: Positions | null;
  readonly committed: Positions | null;
  readonly consumers: readonly SeenConsumer[] | null;
  /** Dead letters that are pending. */
  readonly deadLetters: number | null;
}

const TIMEOUT_MS = timeLimit(900);
const CLOSE_WITHIN_MS = timeLimit(2_000);
/** How long a consumer without heartbeats stays in the snapshot. */
const RETAINED_MS = 30_000;

/** Queries Kafka and MongoDB independently: when one is unavailable, the rest stays known. */
@Injectable()
export class PipelineSnapshots implements OnApplicationShutdown {
  private readonly outages = loggedDependencyState('pipeline');
  /** What Kafka has answered since the start. */
  private readonly answered = new Set<string>();
  private readonly ends = flight(async () => this.noted('ends', async () => this.positions.ends(ORDERS_TOPIC)));
  private readonly committed = flight(async () =>
    this.noted('committed', async () => this.positions.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC)),
  );
  private readonly consumers = flight(async () => this.heartbeats());
  private readonly deadLetters = flight(async () =>
    deadLettersCollection(this.mongo.db).countDocuments({ state: 'pending' }),
  );

  constructor(
    private readonly positions: KafkaPositions,
    private readonly mongo: Mongo,
  ) {}

  async take(): Promise<PipelineSnapshot> {
    const at = systemClock.now();
    const [ends, committed, consumers, deadLetters] = await Promise.all([
      this.ends.result(),
      this.committed.result(),
      this.consumers.result(),
      this.deadLetters.result(),
    ]);
    return { at, ends, committed, consumers, deadLetters };
  }

  /** Does not wait for a connection that Kafka does not answer, which kafkajs tries for a minute. */
  async onApplicationShutdown(): Promise<void> {
    await succeededWithin(systemClock, CLOSE_WITHIN_MS, this.positions.close());
  }

  /** Logs when Kafka stops or begins to answer. Until its first answer it is expected to fail: new topics have no leaders yet. */
  private async noted<T>(what: string, read: () => Promise<T>): Promise<T> {
    try {
      const positions = await read();
      this.answered.add(what);
      this.outages.works('kafka');
      return positions;
    } catch (error) {
      this.outages.failed('kafka', error, !this.answered.has(what));
      throw error;
    }
  }

  private async heartbeats(): Promise<SeenConsumer[]> {
    return consumersCollection(this.mongo.db)
      .aggregate<SeenConsumer>([
        { $set: { ageMs: { $subtract: ['$$NOW', '$at'] } } },
        { $match: { ageMs: { $lte: RETAINED_MS } } },
      ])
      .toArray();
  }
}

function flight<T>(request: () => Promise<T>): SingleFlight<T> {
  return new SingleFlight(request, systemClock, TIMEOUT_MS);
}

/**
 * Sends requests to a server that may be unavailable, one at a time and with a timeout. While a request is pending no other is sent, so
 * that a server that recovers does not face a queue of them.
 */
export class SingleFlight<T> {
  private pending: Promise<unknown> | undefined;

  constructor(
    private readonly request: () => Promise<T>,
    private readonly clock: Clock,
    private readonly timeoutMs: number,
  ) {}

  /** @returns `null` when the request fails, times out, or another one is pending */
  async result(): Promise<T | null> {
    if (this.pending !== undefined) return null;
    const result = this.request().catch(() => null);
    this.pending = result.finally(() => {
      this.pending = undefined;
    });
    let cancel: (() => void) | undefined;
    const timeout = new Promise<null>((resolve) => {
      cancel = this.clock.after(this.timeoutMs, () => resolve(null));
    });
    return Promise.race([result, timeout]).finally(() => cancel?.());
  }
}
