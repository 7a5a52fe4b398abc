import type { Attempt, OpenRecord, TakenRecord } from '../attempts/record-handler.js';
import { reportingHandler } from '../attempts/reporting-handler.js';
import type { DrainReport } from '../events/drain-report.js';
import { KafkaBroker } from '../kafka/kafka-broker.js';
import type { Rebalancing } from '../kafka/owned-partitions.js';
import { ReliableProducer } from '../kafka/reliable-producer.js';
import type { ParallelConsumerOptions } from '../options.js';
import { AttemptAbandonedError } from '../attempts/running-attempt.js';
import { JOIN_GROUP, type JoinResponse } from '../protocol/group-requests.js';
import { OFFSET_FETCH, type CommittedOffset } from '../protocol/offset-requests.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import type { ConsumedRecord } from '../records/record.js';
import type { SimulatedKafka } from '../simulation/simulated-kafka.js';
import { SimulatedProcess } from '../simulation/simulated-process.js';
import type { Clock } from '@orders-pipeline/clock';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const random = (): number => 0.5;

/** The possible results of a handler. */
export type Ending = 'done' | 'retriable' | 'poison' | 'environment';

/** A running handler. */
export interface ModelRun {
  readonly record: ConsumedRecord;
  readonly attempt: Attempt;
  /** When it began, by the clock of the process. */
  readonly startedAt: number;
  /** Takes the next records of its key along, as a batch does. */
  take(count: number): void;
  /** @param next the results of the records that were taken along; none: it was not tried */
  end(ending: Ending, next?: readonly (Ending | 'untried')[]): void;
}

export type ModelOptions = Omit<
  ParallelConsumerOptions,
  'handler' | 'logger' | 'deadLetterTopic' | 'observer' | 'clock'
>;

/** The attempt of a record that runs in a call of the handler: the call's own, or one that it took along. */
export interface ModelAttempt {
  readonly record: ConsumedRecord;
  readonly attempt: Pick<Attempt, 'number' | 'fence' | 'signal'>;
}

/** Receives the events of a member, to check them. */
export interface ModelObserver {
  /** Called before the run is added to the member's runs. */
  started(member: ModelMember, run: ModelAttempt): void;
  /** Called for each record whose attempt begins, also one that is taken along, in the call of the given one. */
  begins(member: ModelMember, began: ModelAttempt, call: ModelAttempt): void;
  /** Called when an attempt takes effect in the sink. */
  takesEffect(began: ModelAttempt): void;
  /** Called when the engine has got the result. `ignored`: it did not wait for it any more. */
  ended(began: ModelAttempt, outcome: 'done' | 'failed' | 'untried' | 'ignored'): void;
  drained(report: DrainReport): void;
  /** Called for an error that the model did not inject. */
  broken(error: unknown): void;
}

/** What a member reads, and how its group rebalances. */
interface MemberOfGroup {
  readonly topic: string;
  readonly deadLetterTopic: string;
  readonly groupId: string;
  readonly rebalancing: Rebalancing;
  readonly sessionTimeoutMs: number;
}

/** The engine's broker over simulated connections. */
class SimulatedBroker extends KafkaBroker {
  constructor(process: SimulatedProcess, options: Omit<MemberOfGroup, 'deadLetterTopic'>) {
    const connect = () => process.connect();
    const createProducer = () => new ReliableProducer({ connect, logger: quiet, clock: process, random });
    super({ ...options, logger: quiet }, { connect, createProducer, clock: process, random });
  }
}

/** One engine in a process of its own. The model decides when, if ever, its handlers end. */
export class ModelMember {
  readonly process: SimulatedProcess;
  readonly broker: SimulatedBroker;
  readonly consumer: ParallelConsumer;
  readonly runs: ModelRun[] = [];
  /** The ids that the group has given it. */
  readonly ids = new Set<string>();
  /** The positions that it has read, by partition, until an ownership that began there has begun work. */
  readonly readPositions = new Map<number, CommittedOffset>();
  /** The model's view of the member; `gone`: crashed or stopped. */
  state: 'alive' | 'gone' = 'alive';
  /** Attempts whose success is being reported, and that the engine has not accepted yet. */
  private succeeding: ModelAttempt[] = [];

  constructor(
    readonly name: string,
    kafka: SimulatedKafka,
    world: Clock,
    { deadLetterTopic, ...group }: MemberOfGroup,
    options: ModelOptions,
    private readonly observer: ModelObserver,
  ) {
    this.process = new SimulatedProcess(world, kafka, (api, response) => {
      if (api === JOIN_GROUP.name) this.ids.add((response as JoinResponse).memberId);
      if (api === OFFSET_FETCH.name)
        for (const each of response as readonly CommittedOffset[]) this.readPositions.set(each.partition, each);
    });
    this.broker = new SimulatedBroker(this.process, group);
    this.consumer = new ParallelConsumer(
      {
        ...options,
        clock: this.process,
        random,
        handler: reportingHandler((item) => this.handle(item)),
        logger: quiet,
        deadLetterTopic,
        classify: (error) => {
          if (error instanceof ModelFailure) return error.kind;
          if (error instanceof AttemptAbandonedError) return 'retriable';
          observer.broken(error);
          return 'poison';
        },
        observer: {
          rebalanced: (report) => observer.drained(report),
          attempted: (outcome) => {
            if (outcome !== 'done') return;
            const item = this.succeeding.shift();
            if (item !== undefined) observer.ended(item, 'done');
          },
        },
      },
      this.broker,
    );
  }

  /** Returns the runs that the engine still waits for: neither abandoned nor of a revoked partition. */
  liveRuns(): ModelRun[] {
    return this.runs.filter(({ attempt }) => !attempt.signal.aborted);
  }

  async leave(): Promise<void> {
    this.state = 'gone';
    this.observer.drained(await this.consumer.stop());
  }

  private handle(item: OpenRecord): void {
    const { record, attempt } = item;
    const call = { record, attempt };
    this.observer.started(this, call);
    this.observer.begins(this, call, call);
    const taken: TakenRecord[] = [];
    const run: ModelRun = {
      ...call,
      startedAt: this.process.now(),
      take: (count) => {
        if (this.process.frozen || this.process.dead) return;
        for (let left = count; left > 0; left -= 1) {
          const next = attempt.takeNext();
          if (next === undefined) return;
          this.observer.begins(this, next, call);
          taken.push(next);
        }
      },
      end: (ending, next = []) => {
        this.runs.splice(this.runs.indexOf(run), 1);
        const endings = taken.map((_, index) => (ending === 'done' ? (next[index] ?? 'done') : 'untried'));
        this.takeEffect([call, ...taken], [ending, ...endings]);
        this.process.receive(() => this.report([item, ...taken], [ending, ...endings]));
      },
    };
    this.runs.push(run);
  }

  /** Reports the results to the engine, which may start other attempts before the call returns. */
  private report(items: readonly [OpenRecord, ...TakenRecord[]], endings: readonly (Ending | 'untried')[]): void {
    const failedAt = endings.findIndex((ending) => ending !== 'done');
    const succeeded = failedAt < 0 ? [...items] : items.slice(0, failedAt);
    for (const [index, item] of items.slice(succeeded.length).entries())
      this.observer.ended(item, index > 0 || endings[failedAt] === 'untried' ? 'untried' : 'failed');
    const [first, ...taken] = items;
    for (const [index, each] of taken.entries()) {
      const ending = endings[index + 1];
      if (ending !== 'untried') each.report(failureOf(ending));
    }
    this.succeeding = succeeded;
    first.report(failureOf(endings[0]));
    for (const item of succeeded) this.observer.ended(item, 'ignored');
    this.succeeding = [];
  }

  /** The handler applies its records in their order, and none after a failed one. */
  private takeEffect(attempts: readonly ModelAttempt[], endings: readonly (Ending | 'untried')[]): void {
    for (const [index, each] of attempts.entries()) {
      if (endings[index] !== 'done') return;
      this.observer.takesEffect(each);
    }
  }
}

function failureOf(ending: Ending | 'untried' | undefined): ModelFailure | undefined {
  return ending === 'done' || ending === 'untried' || ending === undefined ? undefined : new ModelFailure(ending);
}

class ModelFailure extends Error {
  override readonly name = 'ModelFailure';

  constructor(readonly kind: Exclude<Ending, 'done'>) {
    super(kind);
  }
}
