import { Gauge, type Registry, Counter, Histogram } from 'prom-client';
import { succeededWithin, type Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import type { MigrationPorts } from './migration/migration-ports.js';
import type { ChangeFacts } from './migration/stage-changes.js';
import { CAPABILITIES, stagesOf, type Capability, type CapabilityState, type ReadCapability } from './stages/stages.js';
import type { MigrationState } from './migration/migration-state.js';
import type { SideName } from './sides/side.js';

/** Less than a scrape may take, which would otherwise lose all metrics of the process. */
const LIMIT_MS = timeLimit(2_000);

/**
 * Reads something for the metrics of one scrape: all gauges that ask at the same time share a read.
 * @returns a function that returns what was read; `undefined` if that failed or took 2 s, such as while MongoDB hangs
 */
function readForScrapes<T>(read: () => Promise<T>, clock: Clock): () => Promise<T | undefined> {
  let reading: Promise<T | undefined> | undefined;
  const readOnce = async (): Promise<T | undefined> => {
    const work = read();
    try {
      return (await succeededWithin(clock, LIMIT_MS, work)) ? await work : undefined;
    } catch {
      // The gauges then have no sample, and the logs of the facade say why.
      return undefined;
    } finally {
      work.catch(() => undefined);
      reading = undefined;
    }
  };
  return async () => (reading ??= readOnce());
}

/** Exposes a value that is read at each scrape; `undefined`: there is no sample. */
function expose(
  registry: Registry,
  name: string,
  help: string,
  value: () => Promise<number | undefined> | number | undefined,
): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers: [registry],
    collect: async () => {
      const found = await value();
      if (found === undefined) gauge.remove();
      else gauge.set(found);
    },
  });
}

const MS_PER_SECOND = 1_000;

/** Exposes the open intents of all instances, read at each scrape. While MongoDB is unavailable, they have no samples. */
export function exposeIntents(facts: Pick<ChangeFacts, 'intents'>, clock: Clock, registry: Registry): void {
  const read = readForScrapes(async () => facts.intents(), clock);
  expose(
    registry,
    'facade_open_intents',
    'Write intents that are not final on both sides',
    async () => (await read())?.count,
  );
  expose(registry, 'facade_oldest_intent_seconds', 'Age of the oldest open write intent; 0 without any', async () => {
    const intents = await read();
    return intents && intents.oldestMs / MS_PER_SECOND;
  });
}

/** What the metrics of the stages need to know. */
interface StageMetricSources extends Pick<MigrationPorts, 'lastVerify' | 'clock'> {
  readonly state: Pick<MigrationState, 'latest'>;
}

type CapabilityFigure = (state: CapabilityState, capability: Capability) => number;

const OF_CAPABILITIES: readonly (readonly [name: string, help: string, value: CapabilityFigure])[] = [
  [
    'facade_stage',
    'Stage: 0 is off, 1 dualwrite or shadow, 2 live, 3 complete',
    ({ stage }, capability) => stagesOf(capability).indexOf(stage),
  ],
  [
    'facade_stage_percent',
    'Keys at the stage, in per cent; the others are at the stage before',
    ({ percent }) => percent,
  ],
  ['facade_stage_version', 'Counts the changes of a capability', ({ version }) => version],
  [
    'facade_rolled_back',
    '1 while the last change was an automatic rollback',
    ({ cause }) => Number(cause !== undefined),
  ],
];

/** Exposes where each capability is, as this instance knows it, and what the last verify has found. Unknown figures have no samples. */
export function exposeStages({ state, lastVerify, clock }: StageMetricSources, registry: Registry): void {
  for (const [name, help, value] of OF_CAPABILITIES) {
    const gauge: Gauge<'capability'> = new Gauge({
      name,
      help,
      labelNames: ['capability'],
      registers: [registry],
      collect: () => {
        const { latest } = state;
        if (latest === undefined) return;
        for (const capability of CAPABILITIES)
          gauge.set({ capability }, value(latest.capabilities[capability], capability));
      },
    });
  }
  expose(
    registry,
    'facade_held',
    '1 while the migration is held: no stage changes, and no automatic rollback',
    () => state.latest && Number(state.latest.hold !== null),
  );
  expose(
    registry,
    'facade_change_pending',
    '1 while a change of writes is in progress',
    () => state.latest && Number(state.latest.change !== null),
  );
  const read = readForScrapes(lastVerify, clock);
  expose(
    registry,
    'facade_verify_differences',
    'Differences that the last verify has found; no sample before the first',
    async () => (await read())?.differences,
  );
}

/** How a comparison ended. `undecided`: writes never stopped; `unanswered`: a side was unavailable. Neither is a sample. */
export type ComparisonOutcome = 'equal' | 'passed' | 'differs' | 'undecided' | 'unanswered';

/** Why a comparison was not made, or its finding not stored. */
const DROP_REASONS = ['queue-full', 'overdue', 'rechecks-full', 'mismatches-full'] as const;
type DropReason = (typeof DROP_REASONS)[number];

/** In seconds: what the facade adds is below a millisecond, unless a read waits for writes. */
const ADDED_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0015, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 2.5];

/** The metrics of reads, clients and comparisons. */
export class FacadeMetrics {
  private readonly reads;
  private readonly addedTime;
  private readonly clients;
  private readonly comparisons;
  private readonly dropped;

  constructor(private readonly registry: Registry) {
    const registers = [registry];
    this.reads = new Counter({
      name: 'facade_reads_total',
      help: 'Reads of the legacy API by the side that was to answer; outcome: answered, failed (5xx of the side), or the code of an error such as new-away',
      labelNames: ['capability', 'side', 'outcome'] as const,
      registers,
    });
    this.addedTime = new Histogram({
      name: 'facade_read_added_seconds',
      help: 'From the arrival of a read until its side is asked, waiting for open writes included',
      labelNames: ['capability'] as const,
      buckets: ADDED_BUCKETS,
      registers,
    });
    this.clients = new Counter({
      name: 'facade_client_requests_total',
      help: 'Requests to the legacy API by client; client "none": without API keys, client "unknown": no valid key',
      labelNames: ['client'] as const,
      registers,
    });
    this.comparisons = new Counter({
      name: 'facade_comparisons_total',
      help: 'Comparisons by outcome. differs: a mismatch; passed: equal after the re-check, without a write that explains it; undecided and unanswered are no samples',
      labelNames: ['capability', 'outcome'] as const,
      registers,
    });
    this.dropped = new Counter({
      name: 'facade_comparisons_dropped_total',
      help: 'Comparisons that were not made, or whose mismatch was not stored, because a bound was reached',
      labelNames: ['reason'] as const,
      registers,
    });
    // An alert on the first mismatch needs a sample before it.
    for (const capability of CAPABILITIES) this.comparisons.inc({ capability, outcome: 'differs' }, 0);
    for (const reason of DROP_REASONS) this.dropped.inc({ reason }, 0);
  }

  /** @param outcome `answered`, `failed` (5xx of the side), or the code of an error */
  read(capability: ReadCapability, side: SideName | 'none', outcome: string): void {
    this.reads.inc({ capability, side, outcome });
  }

  /** @param ms from the arrival of a read until its side was asked */
  added(capability: ReadCapability, ms: number): void {
    this.addedTime.observe({ capability }, ms / 1_000);
  }

  requestBy(client: string): void {
    this.clients.inc({ client });
  }

  comparisonEnded(capability: Capability, outcome: ComparisonOutcome): void {
    this.comparisons.inc({ capability, outcome });
  }

  comparisonDropped(reason: DropReason): void {
    this.dropped.inc({ reason });
  }

  queuedComparisons(count: () => number): void {
    expose(
      this.registry,
      'facade_comparisons_queued',
      'Answers that wait for their comparison; the limit is 1,000',
      count,
    );
  }

  expiredIgnoreRules(count: () => number): void {
    expose(
      this.registry,
      'facade_ignore_rules_expired',
      'Ignore rules that have expired, and so ignore nothing',
      count,
    );
  }

  /** Exposes which circuit breakers are open, by side and purpose. */
  breakers(of: readonly { readonly side: SideName; readonly purpose: string; readonly isOpen: () => boolean }[]): void {
    const gauge: Gauge<'side' | 'purpose'> = new Gauge({
      name: 'facade_breaker_open',
      help: '1 while no request is sent to the side for this purpose, because it did not answer',
      labelNames: ['side', 'purpose'],
      registers: [this.registry],
      collect: () => {
        for (const { side, purpose, isOpen } of of) gauge.set({ side, purpose }, Number(isOpen()));
      },
    });
  }
}
