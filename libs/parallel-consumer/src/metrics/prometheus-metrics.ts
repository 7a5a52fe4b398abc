import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { AttemptOutcome, Observer } from '../events/observer.js';
import { IN_FLIGHT_BOUNDS } from '../status/in-flight-bound.js';
import type { ParallelConsumerStatus, PartitionStatus } from '../status/status.js';

/** The labels that distinguish the consumers of one process. */
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

/** Gauges of a consumer. `undefined` means unknown: the gauge then has no sample, instead of 0. */
const GAUGES: readonly [name: string, help: string, read: (status: ParallelConsumerStatus) => number | undefined][] = [
  ['ready', '1 while the consumer is a group member and can process records, else 0', ({ ready }) => Number(ready)],
  [
    'suspended',
    '1 while the circuit breaker suspends the consumer (a dependency is unavailable, or a mass failure of records), else 0',
    ({ suspendedSince }) => Number(suspendedSince !== undefined),
  ],
  [
    'poison_storm',
    '1 while the consumer is suspended because of a mass failure: more than the allowed share of records failed permanently; else 0',
    ({ suspendedBecause }) => Number(suspendedBecause === 'poison-storm'),
  ],
  ['in_flight', 'Records in the handler', ({ inFlight }) => inFlight],
  ['in_flight_limit', 'Maximum number of records in the handler at once', ({ inFlightLimit }) => inFlightLimit],
  ['buffered', 'Records in memory that wait for the handler', ({ taken, inFlight }) => taken - inFlight],
  ['buffered_bytes', 'Size of all records in memory, in bytes', ({ takenBytes }) => takenBytes],
  ['rate_per_second', 'Records finished per second, over the last 10 seconds', ({ ratePerSecond }) => ratePerSecond],
  [
    'seconds_to_drain',
    'Lag divided by the rate at which records finish, in seconds',
    ({ secondsToDrain }) => secondsToDrain,
  ],
];

const BOUND_HELP =
  '1 for what bounds the records in the handler now (see inFlightBound in the README), 0 for the others';

const COUNTERS: readonly [name: string, help: string, read: (status: ParallelConsumerStatus) => number][] = [
  ['finished_total', 'Records handled or dead-lettered', ({ finished }) => finished],
  ['dead_lettered_total', 'Records dead-lettered', ({ deadLettered }) => deadLettered],
  ['retries_total', 'Retries after failures that the record caused', ({ retries }) => retries],
  ['abandoned_total', 'Attempts that exceeded their time limit and the grace period', ({ abandoned }) => abandoned],
  [
    'skipped_as_completed_total',
    'Records skipped after a crash because the commit metadata listed them as completed',
    ({ skippedAsCompleted }) => skippedAsCompleted,
  ],
];

const PARTITION_GAUGES: readonly [name: string, help: string, read: (status: PartitionStatus) => number | undefined][] =
  [
    ['lag_records', 'Unfinished records of the partition, as of the last fetch', ({ lag }) => lag],
    ['lag_seconds', 'Age of the oldest unfinished record by its timestamp, in seconds', ({ lagSeconds }) => lagSeconds],
    ['committable_offset', 'Offset of the oldest unfinished record', ({ committable }) => committable],
    [
      'holder_age_seconds',
      'Seconds since the consumer took the oldest unfinished record of the partition; the log names it',
      ({ oldestRecord }) => oldestRecord && oldestRecord.ageMs / 1_000,
    ],
    [
      'stopped_partition',
      '1 while the partition is stopped because its log can not be read further, else 0; the consumer logs the reason',
      ({ stopped }) => Number(stopped !== undefined),
    ],
  ];

/**
 * Exports the engine's metrics to Prometheus, in one registry for all consumers of a process. The number of series is bounded by
 * consumers and partitions; keys and offsets are never labels.
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
      help: 'Duration of successful attempts',
      labelNames: NAMES,
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60],
      registers,
    });
    this.outcomes = new Counter({
      name: `${PREFIX}failed_attempts_total`,
      help: 'Failed attempts, by outcome',
      labelNames: [...NAMES, 'outcome'],
      registers,
    });
    const coordinator = { buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10, 30], registers };
    this.commits = new Histogram({
      name: `${PREFIX}commit_duration_seconds`,
      help: 'Duration of offset commits',
      labelNames: [...NAMES, 'result'],
      ...coordinator,
    });
    this.rebalances = new Histogram({
      name: `${PREFIX}rebalance_duration_seconds`,
      help: 'Duration of rebalances, from the start of the drain to the new assignment',
      labelNames: NAMES,
      ...coordinator,
    });
    this.collectFromStatus();
  }

  /** Creates the `observer` option of a consumer. */
  observer(names: ConsumerNames): Observer {
    const { topic, group } = names;
    const attempts = this.attempts.labels({ topic, group });
    const rebalances = this.rebalances.labels({ topic, group });
    // Initialize every series with 0: PromQL's `rate` ignores the increase of a series' first sample.
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

  /** Exports the consumer's status from now on; each scrape of the registry reads it. */
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
          // A consumer may read several topics.
          if (value !== undefined) gauge.set({ ...names, topic: each.topic, partition: String(each.partition) }, value);
        }
      });
    this.gauge('in_flight_bound', BOUND_HELP, ['bound'], (gauge, names, { inFlightBound }) => {
      for (const bound of IN_FLIGHT_BOUNDS) gauge.set({ ...names, bound }, Number(bound === inFlightBound));
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
        // Series of revoked partitions must disappear.
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
