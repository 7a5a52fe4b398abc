import type { Clock } from '@orders-pipeline/clock';
import type { Logger } from 'pino';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { Admission, type AdmissionLimits } from '../writes/admission.js';
import { AnsweringWrite, type StoredOrders } from '../writes/answering-write.js';
import type { BucketStore } from '../writes/bucket-store.js';
import { NumberBlocks, type NumberStore } from '../writes/number-blocks.js';
import { Outbox, type OutboxLimits, type WriteReports, OutboxWorker, type WorkerLease } from '../writes/outbox.js';
import type { SideName, WrittenSide } from '../sides/side.js';
import type { GateLimits, RollbackLimits } from '../stages/gate.js';
import { MigrationState } from './migration-state.js';
import type { InstanceIdentity, MigrationStore } from './migration-store.js';
import { FencedWrites } from '../writes/fenced-writes.js';
import type { LegacyPort } from '../writes/legacy-gateway.js';
import {
  PostedOrders,
  UnfencedWrites,
  UntranslatableWrites,
  type ReportUntranslatable,
} from '../writes/posted-orders.js';
import { ChangeDriver, ChangeFacts, type ObservedFigures, type Verifies, StageChanges } from './stage-changes.js';
import { RollbackWatch } from './rollback-watch.js';

type WrittenSides = Readonly<Record<SideName, WrittenSide>>;

/** All limits of the migration; see the settings. */
export interface MigrationLimits {
  readonly admission: AdmissionLimits;
  readonly outbox: OutboxLimits;
  readonly gate: GateLimits;
  readonly rollback: RollbackLimits;
  readonly changeMs: number;
  readonly numberBlock: number;
}

/** What the migration logic needs of the world. */
export interface MigrationPorts {
  readonly state: MigrationState;
  readonly store: MigrationStore;
  readonly buckets: BucketStore;
  readonly numbers: NumberStore;
  readonly lease: WorkerLease;
  /** For requests of clients, and for the outbox: one that hangs must not stop the other. */
  readonly sides: { readonly answering: WrittenSides; readonly outbox: WrittenSides };
  readonly stored: StoredOrders;
  readonly legacy: LegacyPort;
  readonly figures: ObservedFigures;
  readonly verifies: Verifies;
  readonly reports: WriteReports & { readonly untranslatable: ReportUntranslatable };
  readonly isLegacyAway: () => boolean;
  readonly zone: LegacyTimeZone;
  readonly clock: Clock;
  /** Milliseconds, with fractions. */
  readonly stopwatch: () => number;
  readonly random: () => number;
  readonly randomId: () => string;
  readonly identity: InstanceIdentity;
  readonly limits: MigrationLimits;
  readonly logger: Logger;
}

/** The migration logic of one facade instance: the same in production, in specs with real servers, and in simulations. */
export class MigrationRuntime {
  readonly orders: PostedOrders;
  readonly facts: ChangeFacts;
  readonly changes: StageChanges;
  private readonly worker: OutboxWorker;

  constructor(private readonly ports: MigrationPorts) {
    const { state, store, buckets, numbers, legacy, clock, limits, logger } = ports;
    this.facts = new ChangeFacts(ports.figures, ports.verifies, buckets, limits.gate);
    const driver = new ChangeDriver(store, buckets, numbers, legacy);
    this.changes = new StageChanges(store, driver, this.facts, clock, limits.changeMs);
    this.orders = postedOrders(ports);
    const { rollback } = limits;
    const watch = new RollbackWatch(store, this.facts, this.changes, rollback, clock, logger, ports.isLegacyAway);
    this.worker = new OutboxWorker(outboxOf(ports), ports.lease, clock, logger, async () => {
      if (driver.hasWork(state.latest)) await driver.drive();
      await watch.check();
    });
  }

  start(): void {
    this.ports.state.start();
    this.worker.start();
  }

  /** To be called after the last request was answered. */
  async stop(): Promise<void> {
    await this.worker.stop();
    await this.ports.state.stop();
  }
}

function postedOrders(ports: MigrationPorts): PostedOrders {
  const { state, reports, buckets, numbers, legacy, clock, limits, identity, logger, zone, random, randomId } = ports;
  const blocks = new NumberBlocks(numbers, limits.numberBlock);
  const admission = new Admission(buckets, blocks, clock, identity.name, limits.admission);
  const answering = answeringWrite(ports, ports.sides.answering);
  const { repairAfterMs } = limits.outbox;
  const parts = { admission, answering, repairAfterMs, store: buckets, numbers, zone, clock, randomId, logger };
  const fenced = new FencedWrites(parts);
  const untranslatable = new UntranslatableWrites(legacy, buckets, blocks, numbers, reports.untranslatable, randomId);
  const unfenced = new UnfencedWrites(legacy, clock, random, randomId);
  return new PostedOrders({ state, unfenced, fenced, untranslatable, zone, clock });
}

function answeringWrite({ stored, zone, reports, stopwatch }: MigrationPorts, sides: WrittenSides): AnsweringWrite {
  return new AnsweringWrite(sides, stored, zone, reports, stopwatch);
}

function outboxOf(ports: MigrationPorts): Outbox {
  const { buckets, sides, reports, clock, limits } = ports;
  return new Outbox(buckets, sides.outbox, answeringWrite(ports, sides.outbox), reports, clock, limits.outbox);
}
