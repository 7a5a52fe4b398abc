import type { Clock } from '@orders-pipeline/clock';
import type { Logger } from 'pino';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { Admission, type AdmissionLimits } from '../writes/admission.js';
import { AnsweringWrite, type StoredOrders } from '../writes/answering-write.js';
import type { BucketStore } from '../writes/bucket-store.js';
import { NumberBlocks, type NumberStore } from '../writes/number-blocks.js';
import { OpenIntents } from '../writes/open-intents.js';
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
  readonly reports: WriteReports;
  readonly reportUntranslatable: ReportUntranslatable;
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

/** What one instance knows: reads need only this. */
export interface MigrationKnowledge {
  readonly state: MigrationState;
  readonly openIntents: OpenIntents;
}

/** Creates the knowledge of an instance. It learns nothing before the runtime starts. */
export function knowledgeOf({
  store,
  buckets,
  clock,
  identity,
  logger,
}: Pick<MigrationPorts, 'store' | 'buckets' | 'clock' | 'identity' | 'logger'>): MigrationKnowledge {
  const state = new MigrationState(store, clock, identity, logger);
  return { state, openIntents: new OpenIntents(buckets, state, clock) };
}

/** The migration logic of one facade instance: the same in production, in specs with real servers, and in simulations. */
export class MigrationRuntime {
  readonly orders: PostedOrders;
  readonly facts: ChangeFacts;
  readonly changes: StageChanges;
  private readonly worker: OutboxWorker;

  constructor(
    ports: MigrationPorts,
    private readonly knowledge: MigrationKnowledge,
  ) {
    const { store, buckets, numbers, legacy, clock, limits, logger } = ports;
    const { state } = knowledge;
    this.facts = new ChangeFacts(ports.figures, ports.verifies, buckets, limits.gate);
    const driver = new ChangeDriver(store, buckets, numbers, legacy);
    this.changes = new StageChanges(store, driver, this.facts, clock, limits.changeMs);
    this.orders = postedOrders(ports, state);
    const { rollback } = limits;
    const watch = new RollbackWatch(store, this.facts, this.changes, rollback, clock, logger, ports.isLegacyAway);
    this.worker = new OutboxWorker(outboxOf(ports), ports.lease, clock, logger, async () => {
      if (driver.hasWork(state.latest)) await driver.drive();
      await watch.check();
    });
  }

  start(): void {
    this.knowledge.state.start();
    this.worker.start();
  }

  /** To be called after the last request was answered. */
  async stop(): Promise<void> {
    await this.worker.stop();
    await this.knowledge.state.stop();
  }
}

function postedOrders(ports: MigrationPorts, state: MigrationState): PostedOrders {
  const { buckets, numbers, legacy, clock, limits, identity, logger, zone, random, randomId } = ports;
  const blocks = new NumberBlocks(numbers, limits.numberBlock);
  const admission = new Admission(buckets, blocks, clock, identity.name, limits.admission);
  const answering = answeringWrite(ports, ports.sides.answering);
  const { repairAfterMs } = limits.outbox;
  const parts = { admission, answering, repairAfterMs, store: buckets, numbers, zone, clock, randomId, logger };
  const fenced = new FencedWrites(parts);
  const { reportUntranslatable } = ports;
  const untranslatable = new UntranslatableWrites(legacy, buckets, blocks, numbers, reportUntranslatable, randomId);
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
