import { setTimeout as delay } from 'node:timers/promises';
import type { ReconcileReport } from '#reconcile/report.js';
import { KafkaPositions } from '#service/kafka/kafka-positions.js';
import type { Cluster } from '../cluster/cluster.js';
import { operationsOf, reconcileAll, type Settled } from './settled.js';

const POLL_INTERVAL_MS = 1_000;

/** Judges the evidence while a run goes on, and aborts its signal once it is enough. */
export class EvidenceWatch {
  /** The reports that were enough. */
  found: Settled | undefined;
  private readonly enough = new AbortController();
  private readonly over = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly cluster: Cluster,
    /** Whether the reports of all operations, and all other evidence so far, are enough. */
    private readonly isEnough: (reports: readonly ReconcileReport[]) => boolean,
  ) {}

  get signal(): AbortSignal {
    return this.enough.signal;
  }

  begin(): void {
    this.running = this.run();
  }

  async end(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const positions = new KafkaPositions(this.cluster.kafka);
    try {
      while (!this.over.signal.aborted && !this.enough.signal.aborted) {
        await Promise.allSettled([delay(POLL_INTERVAL_MS, undefined, { signal: this.over.signal })]);
        const settled = await this.reconcile(positions);
        if (!this.isEnough(settled.reports)) continue;
        this.found = settled;
        this.enough.abort();
      }
    } finally {
      await positions.close();
    }
  }

  /** Returns no reports while MongoDB does not answer: some faults cause exactly this. */
  private async reconcile(positions: KafkaPositions): Promise<Settled> {
    try {
      const { mongo } = this.cluster;
      return await reconcileAll(mongo, positions, await operationsOf(mongo));
    } catch {
      return { reports: [], unreconciled: [] };
    }
  }
}
