import type { Attempt, TakenRecord } from '../attempts/record-handler.js';
import type { ParallelConsumerOptions } from '../options.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import type { ConsumedRecord } from '../records/record.js';
import type { DrainReport } from '../events/drain-report.js';
import type { Rebalancing } from '../kafka/held-partitions.js';
import { FakeBroker } from '../testing/fake-broker.js';
import type { FakeKafka } from '../testing/fake-kafka.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** The possible results of a handler. */
export type Ending = 'done' | 'retriable' | 'poison' | 'environment';

/** A running handler. */
export interface ModelRun {
  readonly record: ConsumedRecord;
  readonly attempt: Attempt;
  /** Takes the next record of its key along, as in a batch. */
  take(): void;
  /** @param next the results of the records that were taken along; none: it was not tried */
  end(ending: Ending, next?: readonly (Ending | 'untried')[]): void;
}

export type ModelOptions = Omit<ParallelConsumerOptions, 'handler' | 'logger' | 'deadLetterTopic' | 'observer'>;

/** Receives the events of a member, to check them. */
export interface ModelObserver {
  /** Called before the run is added to the member's runs. */
  started(member: ModelMember, record: ConsumedRecord): void;
  /** Called for each record whose attempt begins, also one that is taken along. */
  startsAttempt(member: ModelMember, record: ConsumedRecord): void;
  /** Called when a record that was taken along is about to be applied. */
  applies(member: ModelMember, record: ConsumedRecord): void;
  handled(record: ConsumedRecord): void;
  drained(report: DrainReport): void;
  /** Called for an error that the model did not inject. */
  broken(error: unknown): void;
}

/** What a member reads, and how its group rebalances. */
interface MemberOfGroup {
  readonly topic: string;
  readonly deadLetterTopic: string;
  readonly rebalancing: Rebalancing;
}

/** One engine with its own broker. The model decides when, if ever, its handlers end. */
export class ModelMember {
  readonly broker: FakeBroker;
  readonly consumer: ParallelConsumer;
  readonly runs: ModelRun[] = [];
  /** The model's view of the member; `gone`: crashed or stopped. */
  state: 'alive' | 'expired' | 'rejoining' | 'gone' = 'alive';
  private fetching = false;

  constructor(
    kafka: FakeKafka,
    { deadLetterTopic, ...group }: MemberOfGroup,
    options: ModelOptions,
    private readonly observer: ModelObserver,
  ) {
    this.broker = new FakeBroker(kafka, { ...group, groupId: 'savers' });
    this.consumer = new ParallelConsumer(
      {
        ...options,
        handler: (record, attempt) => this.handle(record, attempt),
        logger: quiet,
        deadLetterTopic,
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

  /** Returns the runs that the engine still waits for: neither abandoned nor of a revoked partition. */
  liveRuns(): ModelRun[] {
    return this.runs.filter(({ attempt }) => !attempt.signal.aborted);
  }

  /** Fetches all partitions once, unless the previous fetch is still in progress. */
  async fetch(): Promise<void> {
    if (this.fetching || this.state === 'gone') return;
    this.fetching = true;
    await this.broker.fetch();
    this.fetching = false;
  }

  /** Joins again after the session expired. */
  async rejoin(): Promise<void> {
    this.state = 'rejoining';
    await this.broker.rejoin();
    if (this.isRejoining()) this.state = 'alive';
  }

  async leave(): Promise<void> {
    this.state = 'gone';
    this.observer.drained(await this.consumer.stop());
  }

  /** False when the member crashed or was stopped meanwhile. */
  private isRejoining(): boolean {
    return this.state === 'rejoining';
  }

  private async handle(record: ConsumedRecord, attempt: Attempt): Promise<void> {
    this.observer.started(this, record);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const taken: TakenRecord[] = [];
    const run: ModelRun = {
      record,
      attempt,
      take: () => {
        const next = attempt.takeNext();
        if (next === undefined) return;
        this.observer.startsAttempt(this, next.record);
        taken.push(next);
      },
      end: (ending, next = []) => {
        this.runs.splice(this.runs.indexOf(run), 1);
        if (ending === 'done') this.observer.handled(record);
        this.endTaken(taken, ending === 'done' ? next : ['untried'], attempt.signal.aborted);
        if (ending === 'done') resolve();
        else reject(new ModelFailure(ending));
      },
    };
    this.runs.push(run);
    return promise;
  }

  /**
   * Reports the results in their order. After a failure, the handler applies none, and what it reports must be ignored.
   * @param isStale whether the engine no longer waits: another member may have handled the records
   */
  private endTaken(taken: readonly TakenRecord[], endings: readonly (Ending | 'untried')[], isStale: boolean): void {
    let hasFailed = false;
    for (const [index, each] of taken.entries()) {
      const { record } = each;
      const ending = endings[index] ?? 'done';
      if (ending === 'untried') {
        hasFailed = true;
        continue;
      }
      if (!hasFailed && !isStale) this.observer.applies(this, record);
      if (!hasFailed && ending === 'done') this.observer.handled(record);
      hasFailed ||= ending !== 'done';
      each.report(ending === 'done' ? undefined : new ModelFailure(ending));
    }
  }
}

class ModelFailure extends Error {
  override readonly name = 'ModelFailure';

  constructor(readonly kind: Exclude<Ending, 'done'>) {
    super(kind);
  }
}
