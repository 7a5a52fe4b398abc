import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { DROP_REASONS, type ComparisonOutcome, type DropReason } from './comparison/comparison-watch.js';
import type { SideName } from './sides/side.js';
import { CAPABILITIES, type Capability, type ReadCapability } from './stages/capability.js';

/** In seconds: what the facade adds is below a millisecond, unless a read waits for writes. */
const ADDED_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0015, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 2.5];

/** The metrics of reads, clients and comparisons. */
export class FacadeMetrics {
  private readonly reads;
  private readonly addedTime;
  private readonly clients;
  private readonly comparisons;
  private readonly dropped;
  private readonly registers: Registry[];

  constructor(registry: Registry) {
    const registers = [registry];
    this.registers = registers;
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
    this.gauge('facade_comparisons_queued', 'Answers that wait for their comparison; the limit is 1,000', count);
  }

  expiredIgnoreRules(count: () => number): void {
    this.gauge('facade_ignore_rules_expired', 'Ignore rules that have expired, and so ignore nothing', count);
  }

  /** Exposes which circuit breakers are open, by side and purpose. */
  breakers(of: readonly { readonly side: SideName; readonly purpose: string; readonly isOpen: () => boolean }[]): void {
    const gauge: Gauge<'side' | 'purpose'> = new Gauge({
      name: 'facade_breaker_open',
      help: '1 while no request is sent to the side for this purpose, because it did not answer',
      labelNames: ['side', 'purpose'],
      registers: this.registers,
      collect: () => {
        for (const { side, purpose, isOpen } of of) gauge.set({ side, purpose }, Number(isOpen()));
      },
    });
  }

  /** Exposes a value that is read at each scrape. */
  private gauge(name: string, help: string, value: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: this.registers, collect: () => gauge.set(value()) });
  }
}
