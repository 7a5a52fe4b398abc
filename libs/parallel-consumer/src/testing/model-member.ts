import type { Attempt, ParallelConsumerOptions } from '../options.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import type { ConsumedRecord } from '../record.js';
import type { DrainReport } from '../status.js';
import { FakeBroker } from './fake-broker.js';
import type { FakeKafka } from './fake-kafka.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** How a handler can end. */
export type Ending = 'done' | 'retriable' | 'poison' | 'environment';

/** A handler that has begun and not ended. */
export interface ModelRun {
  readonly record: ConsumedRecord;
  readonly attempt: Attempt;
  end(ending: Ending): void;
}

export type ModelOptions = Omit<ParallelConsumerOptions, 'handler' | 'logger' | 'deadLetterTopic' | 'observer'>;

/** Told of what a member does, to be checked. */
export interface ModelObserver {
  /** Before the run is one of the member's. */
  started(member: ModelMember, record: ConsumedRecord): void;
  handled(record: ConsumedRecord): void;
  drained(report: DrainReport): void;
  /** An error that no handler was told to fail with. */
  broken(error: unknown): void;
}

/** One engine on a broker of its own, whose handlers end when the model says so, if ever. */
export class ModelMember {
  readonly broker: FakeBroker;
  readonly consumer: ParallelConsumer;
  readonly runs: ModelRun[] = [];
  /** In the world's eyes: neither crashed nor told to stop. */
  state: 'alive' | 'expired' | 'rejoining' | 'gone' = 'alive';
  private fetching = false;

  constructor(
    kafka: FakeKafka,
    topics: { readonly topic: string; readonly deadLetterTopic: string },
    options: ModelOptions,
    private readonly observer: ModelObserver,
  ) {
    this.broker = new FakeBroker(kafka, { topic: topics.topic, groupId: 'savers' });
    this.consumer = new ParallelConsumer(
      {
        ...options,
        handler: (record, attempt) => this.handle(record, attempt),
        logger: quiet,
        deadLetterTopic: topics.deadLetterTopic,
        classify: (error) => {
          if (error instanceof ModelFailure) return error.kind;
          observer.broken(error);
          return 'poison';
        },
        observer: { rebalanced: (report) => observer.drained(report) },
      },
      this.broker,
    );
  }

  /** Runs that the engine still waits for: neither abandoned nor of a partition that went. */
  wanted(): ModelRun[] {
    return this.runs.filter(({ attempt }) => !attempt.signal.aborted);
  }

  /** One fetch of all partitions, unless the last one still waits for room. */
  async fetch(): Promise<void> {
    if (this.fetching || this.state === 'gone') return;
    this.fetching = true;
    await this.broker.fetch();
    this.fetching = false;
  }

  /** After its session was over. */
  async rejoin(): Promise<void> {
    this.state = 'rejoining';
    await this.broker.rejoin();
    if (this.isRejoining()) this.state = 'alive';
  }

  async leave(): Promise<void> {
    this.state = 'gone';
    this.observer.drained(await this.consumer.stop());
  }

  /** It may have crashed or been told to stop meanwhile. */
  private isRejoining(): boolean {
    return this.state === 'rejoining';
  }

  private async handle(record: ConsumedRecord, attempt: Attempt): Promise<void> {
    this.observer.started(this, record);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const run: ModelRun = {
      record,
      attempt,
      end: (ending) => {
        this.runs.splice(this.runs.indexOf(run), 1);
        if (ending !== 'done') return reject(new ModelFailure(ending));
        this.observer.handled(record);
        resolve();
      },
    };
    this.runs.push(run);
    return promise;
  }
}

class ModelFailure extends Error {
  override readonly name = 'ModelFailure';

  constructor(readonly kind: Exclude<Ending, 'done'>) {
    super(kind);
  }
}
