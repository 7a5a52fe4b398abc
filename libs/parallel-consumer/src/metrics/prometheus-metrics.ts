import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { AttemptOutcome, Observer } from '../observer.js';
import type { ParallelConsumerStatus, PartitionStatus } from '../status.js';

/** What tells consumers of one process apart, as labels. */
export interface ConsumerNames {
  readonly topic: string;
  readonly group: string;
}

interface Watched {
  readonly names: ConsumerNames;
  readonly consumer: { readonly status: ParallelConsumerStatus };
}

const PREFIX = 'parallel_consumer_';
const NAMES = ['topic', 'group'] as const;
const FAILURES: readonly AttemptOutcome[] = ['retriable', 'poison', 'environment', 'abandoned'];

/** Figures of a consumer; `undefined` is unknown, and then there is no sample: never 0. */
const GAUGES: readonly [name: string, help: string, read: (status: ParallelConsumerStatus) => number | undefined][] = [
  ['ready', '1 while it takes part in the group and can work, else 0', ({ ready }) => Number(ready)],
  [
    'suspended',
    '1 while it holds everything back because what it needs is away, else 0',
    ({ suspendedSince }) => Number(suspendedSince !== undefined),
  ],
  [
    'poison_storm',
    '1 while it is suspended as nearly all records are poison, else 0',
    ({ suspendedBecause }) => Number(suspendedBecause === 'poison-storm'),
  ],
  ['in_flight', 'Records in the handler', ({ inFlight }) => inFlight],
  ['in_flight_limit', 'Records that may be in the handler at once', ({ inFlightLimit }) => inFlightLimit],
  ['buffered', 'Records in memory that are not in the handler', ({ taken, inFlight }) => taken - inFlight],
  ['buffered_bytes', 'Bytes of all records in memory', ({ takenBytes }) => takenBytes],
  ['rate_per_second', 'Records finished per second, over the last ten', ({ ratePerSecond }) => ratePerSecond],
  ['seconds_to_drain', 'Lag by the rate at which records finish', ({ secondsToDrain }) => secondsToDrain],
];

const COUNTERS: readonly [name: string, help: string, read: (status: ParallelConsumerStatus) => number][] = [
  ['finished_total', 'Records handled or dead-lettered', ({ finished }) => finished],
  ['dead_lettered_total', 'Records dead-lettered', ({ deadLettered }) => deadLettered],
  ['retries_total', 'Further attempts at a record, by its own fault', ({ retries }) => retries],
  ['abandoned_total', 'Attempts that passed their time limit and the grace after it', ({ abandoned }) => abandoned],
  [
    'skipped_as_completed_total',
    'Records not repeated after a crash, by the map of a commit',
    ({ skippedAsCompleted }) => skippedAsCompleted,
  ],
];

const PARTITION_GAUGES: readonly [name: string, help: string, read: (status: PartitionStatus) => number | undefined][] =
  [
    ['lag_records', 'Unfinished records of the partition, as of the last fetch', ({ lag }) => lag],
    ['lag_seconds', 'Age of the oldest unfinished record, by its timestamp', ({ lagSeconds }) => lagSeconds],
    ['committable_offset', 'Offset of the oldest unfinished record', ({ committable }) => committable],
    [
      'holder_age_seconds',
      'Since when the oldest unfinished record is held here; the log names it',
      ({ oldestRecord }) => oldestRecord && oldestRecord.ageMs / 1_000,
    ],
    [
      'stopped_partition',
      '1 while nothing more is taken from the partition, as its log can not be read on; the log says why. Else 0',
      ({ stopped }) => Number(stopped !== undefined),
    ],
  ];

/**
 * The engine's figures for Prometheus, in one registry for all consumers of a process. Series are bounded by consumers
 * and partitions; keys and offsets are never labels.
 */
export class PrometheusMetrics {
  private readonly watched: Watched[] = [];
  private readonly attempts: Histogram<'topic' | 'group'>;
  private readonly outcomes: Counter<'topic' | 'group' | 'outcome'>;
  private readonly commits: Histogram<'topic' | 'group' | 'result'>;
  private readonly rebalances: Histogram<'topic' | 'group'>;

  constructor(private readonly registry: Registry) {
    const registers = [registry];
    this.attempts = new Histogram({
      name: `${PREFIX}save_duration_seconds`,
      help: 'How long attempts took that succeeded',
      labelNames: NAMES,
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60],
      registers,
    });
    this.outcomes = new Counter({
      name: `${PREFIX}failed_attempts_total`,
      help: 'Attempts that did not succeed, by whose fault it was',
      labelNames: [...NAMES, 'outcome'],
      registers,
    });
    const coordinator = { buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10, 30], registers };
    this.commits = new Histogram({
      name: `${PREFIX}commit_duration_seconds`,
      help: 'How long commits of offsets took; the count is that of the commits',
      labelNames: [...NAMES, 'result'],
      ...coordinator,
    });
    this.rebalances = new Histogram({
      name: `${PREFIX}rebalance_duration_seconds`,
      help: 'How long rebalances took, from the drain to the new assignment; the count is that of the rebalances',
      labelNames: NAMES,
      ...coordinator,
    });
    this.collectFromStatus();
  }

  /** What to give a consumer as its `observer`. */
  observer(names: ConsumerNames): Observer {
    const { topic, group } = names;
    const attempts = this.attempts.labels({ topic, group });
    const rebalances = this.rebalances.labels({ topic, group });
    // From 0 on: a rate doesn't see the first of a series.
    for (const outcome of FAILURES) this.outcomes.inc({ topic, group, outcome }, 0);
    for (const result of ['succeeded', 'failed']) this.commits.zero({ topic, group, result });
    this.attempts.zero({ topic, group });
    this.rebalances.zero({ topic, group });
    return {
      attempted: (outcome, milliseconds) => {
        if (outcome === 'done') attempts.observe(milliseconds / 1_000);
        else this.outcomes.inc({ topic, group, outcome });
      },
      committed: (succeeded, milliseconds) => {
        this.commits.observe({ topic, group, result: succeeded ? 'succeeded' : 'failed' }, milliseconds / 1_000);
      },
      rebalanced: (_report, milliseconds) => rebalances.observe(milliseconds / 1_000),
    };
  }

  /** From now on its status is read whenever the registry is asked. */
  watch(names: ConsumerNames, consumer: Watched['consumer']): void {
    this.watched.push({ names, consumer });
  }

  private collectFromStatus(): void {
    for (const [name, help, read] of GAUGES)
      this.gauge(name, help, [], (gauge, names, status) => {
        const value = read(status);
        if (value !== undefined) gauge.set({ ...names }, value);
      });
    for (const [name, help, read] of PARTITION_GAUGES)
      this.gauge(name, help, ['partition'], (gauge, names, { partitions }) => {
        for (const each of partitions) {
          const value = read(each);
          if (value !== undefined) gauge.set({ ...names, partition: String(each.partition) }, value);
        }
      });
    for (const [name, help, read] of COUNTERS) this.counter(name, help, read);
  }

  private gauge(
    name: string,
    help: string,
    labels: readonly string[],
    set: (gauge: Gauge, names: ConsumerNames, status: ParallelConsumerStatus) => void,
  ): void {
    const gauge: Gauge = new Gauge({
      name: `${PREFIX}${name}`,
      help,
      labelNames: [...NAMES, ...labels],
      registers: [this.registry],
      collect: () => {
        // Partitions that went must not be told on.
        gauge.reset();
        for (const { names, consumer } of this.watched) set(gauge, names, consumer.status);
      },
    });
  }

  private counter(name: string, help: string, read: (status: ParallelConsumerStatus) => number): void {
    const counter: Counter = new Counter({
      name: `${PREFIX}${name}`,
      help,
      labelNames: NAMES,
      registers: [this.registry],
      collect: () => {
        counter.reset();
        for (const { names, consumer } of this.watched) counter.inc({ ...names }, read(consumer.status));
      },
    });
  }
}
