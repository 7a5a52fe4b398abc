import type { Logger } from 'pino';
import type { Clock } from '@orders-pipeline/clock';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { TranslationReason } from '#legacy/translation/translation-reason.js';
import type { LegacyAnswer, LegacyPort } from '../sides/legacy-answers.js';
import type { SideName, WrittenSides } from '../sides/side.js';
import type { MigrationSettings } from '../settings-schema.js';
import type { Figures, VerifyResult } from '../stages/gate.js';
import type { ByCapability } from '../stages/stages.js';
import type { BucketStore, Intent } from '../writes/bucket-store.js';
import type { NumberStore } from '../writes/number-blocks.js';
import type { InstanceIdentity, MigrationStore } from './migration-store.js';

/** All limits of the migration: settings, and what is none. */
export interface MigrationLimits extends MigrationSettings {
  readonly outbox: {
    /** The instance that admitted a write has this many ms to write it; then any other may. */
    readonly repairAfterMs: number;
    /** Orders in one write to the target. */
    readonly batchSize: number;
    /** Writes to each side at a time. */
    readonly maxCalls: number;
  };
  /** How many numbers an instance takes at once. A crash leaves at most this many as holes. */
  readonly numberBlock: number;
}

/** Lets one instance at a time do the background work. */
export interface WorkerLease {
  /** Takes or renews the lease. @returns whether this process holds it */
  acquire(): Promise<boolean>;
  release(): Promise<void>;
}

/** Why an order has no counterpart on the target. The codes are those of the translation and of the JSON parser. */
export type Untranslatable = Pick<TranslationReason, 'detail' | 'field' | 'value'> & { readonly code: string };

/** What is reported about written orders. */
export interface WriteReports {
  /** Measures a write to a side. */
  observed(side: SideName, ms: number, failed: boolean): void;
  /** The secondary refuses an order that the client has: a mismatch and an alert. */
  diverged(intent: Intent, side: SideName, reason: { readonly code: string; readonly message: string }): Promise<void>;
  /** Both sides have the order, and may be compared. */
  bothStored(intent: Intent): void;
  /** Only the legacy system can have the order. */
  untranslatable(reason: Untranslatable, sent: string, answer: LegacyAnswer): Promise<void>;
}

/** What the migration logic needs of the world: the same logic runs in production, in specs, and in the simulated world of `testing/`. */
export interface MigrationPorts {
  readonly store: MigrationStore;
  readonly buckets: BucketStore;
  readonly numbers: NumberStore;
  readonly lease: WorkerLease;
  /** For requests of clients, and for the outbox: one that hangs must not stop the other. */
  readonly sides: { readonly answering: WrittenSides; readonly outbox: WrittenSides };
  readonly legacy: LegacyPort;
  /** Returns what was observed of each capability since the change that led to this version. */
  readonly figures: (versions: ByCapability<number>) => Promise<ByCapability<Figures>>;
  /** Returns the result of the last verify that has ended. */
  readonly lastVerify: () => Promise<VerifyResult | null>;
  readonly reports: WriteReports;
  /** Whether the legacy system is known to be unavailable: its breaker is open. */
  readonly isLegacyUnavailable: () => boolean;
  readonly zone: LegacyTimeZone;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomId: () => string;
  readonly identity: InstanceIdentity;
  readonly limits: MigrationLimits;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
}
