import { timeLimit } from '#orders/time-limit.js';
import {
  bucketOf,
  isComparedStage,
  targetAnswers,
  type ReadCapability,
  type StageOfRead,
  stageOfBucket,
  writeRoute,
  type MigrationSnapshot,
} from '../stages/stages.js';
import type { MigrationPorts } from './migration-ports.js';
import type { RegisteredInstance } from './migration-store.js';

/** The facade can't know the current stage, because MongoDB has not answered lately. The request is answered with 503. */
export class StateUnknownError extends Error {
  override readonly name = 'StateUnknownError';
  readonly code = 'state-unknown';
}

/** How old knowledge may be when a request that depends on it is served. */
const KNOWLEDGE_LEASE_MS = timeLimit(2_000);
const REFRESH_MS = 500;
/** While a change waits for acknowledgements, clients wait too. */
const REFRESH_DURING_CHANGE_MS = 50;
const HEARTBEAT_MS = 1_000;
/**
 * How long an instance acts on a state that it has acknowledged, while it can't read another one: it may be cut off from MongoDB alone,
 * and a change must be possible without it at some time. Long, because without MongoDB the legacy system's clients get errors from then on.
 */
const ACKNOWLEDGEMENT_LEASE_MS = 3_600_000;
/** For two clocks, and what a paused process still sends. */
const LEASE_MARGIN_MS = 60_000;

/** Returns from when on an instance acts on nothing that it knows, unless it renews its registration. */
export function actsUntil({ refreshedAt }: Pick<RegisteredInstance, 'refreshedAt'>): Date {
  return new Date(refreshedAt.getTime() + ACKNOWLEDGEMENT_LEASE_MS + LEASE_MARGIN_MS);
}

interface Knowledge {
  readonly snapshot: MigrationSnapshot;
  /** When the request that fetched it began. */
  readonly at: number;
}

/**
 * What this instance knows of the migration. It polls the state, acknowledges what it has applied, and counts its writes that no
 * bucket fences: it acknowledges the end of `off` only after they have ended.
 */
export class MigrationState {
  private known: Knowledge | undefined;
  private isRegistered = false;
  private acknowledged = { revision: 0, at: Number.NEGATIVE_INFINITY };
  private unfenced = 0;
  private refreshing: Promise<void> | undefined;
  private cancelTimer: (() => void) | undefined;
  private isStopped = false;

  constructor(private readonly ports: Pick<MigrationPorts, 'store' | 'clock' | 'identity' | 'logger'>) {}

  /** Registers this instance and begins to poll. It doesn't wait for the database: until it answers, requests get 503. */
  start(): void {
    void this.poll();
  }

  /** Stops polling and ends the registration. To be called after the last request was answered. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.cancelTimer?.();
    await Promise.allSettled([this.refreshing]);
    await this.ports.store.deregister(this.ports.identity.process);
  }

  /** The newest snapshot that this instance has seen, however old. */
  get latest(): MigrationSnapshot | undefined {
    return this.known?.snapshot;
  }

  /** Returns a snapshot that was fetched by a request which began less than 2 s ago. @throws StateUnknownError */
  async current(): Promise<MigrationSnapshot> {
    const fresh = this.fresh();
    if (fresh !== undefined) return fresh;
    await this.refresh();
    const fetched = this.fresh();
    if (fetched === undefined) throw new StateUnknownError('the stage is unknown, because MongoDB does not answer');
    return fetched;
  }

  /** Fetches a snapshot by a request that begins now. @throws StateUnknownError */
  async newest(): Promise<MigrationSnapshot> {
    await this.refreshing;
    await this.refresh();
    return this.current();
  }

  /**
   * Returns the stage of a read. Reads that the legacy system answers, and may answer, go on for an hour without MongoDB: whatever would
   * make it lag needs this instance's acknowledgement first.
   * @param key what is asked for: its bucket decides with a percentage
   * @throws StateUnknownError
   */
  async stageOf(capability: ReadCapability, key: string): Promise<StageOfRead> {
    const last = this.acknowledgedState();
    if (last !== undefined && !last.legacyMayLag) {
      const known = describe(last, capability, key);
      if (!targetAnswers(known.stage)) return known;
    }
    return describe(await this.current(), capability, key);
  }

  /**
   * Returns whether answers to the read are compared, as far as this instance knows. It knows that they are not before any order is
   * written to one side only.
   */
  isCompared(capability: ReadCapability, key: string): boolean {
    const { latest } = this;
    return latest !== undefined && isComparedStage(describe(latest, capability, key).stage);
  }

  /**
   * Begins a write that no bucket fences, if writes are `off`. There is no time between the check and the count: a snapshot that
   * ends `off` is either applied before, or acknowledged after the write has ended.
   * @returns a function that ends it; `undefined` if writes are not `off`, or may no longer be after an hour without MongoDB
   */
  beginUnfenced(): (() => void) | undefined {
    const latest = this.acknowledgedState();
    if (latest === undefined || writeRoute(latest) !== 'unfenced') return undefined;
    this.unfenced += 1;
    return () => {
      this.unfenced -= 1;
      if (this.unfenced === 0) void this.refresh();
    };
  }

  private fresh(): MigrationSnapshot | undefined {
    const { known } = this;
    return known !== undefined && this.ports.clock.now() - known.at < KNOWLEDGE_LEASE_MS ? known.snapshot : undefined;
  }

  /** The newest snapshot, as long as no change that needs this instance's acknowledgement can be made without it. */
  private acknowledgedState(): MigrationSnapshot | undefined {
    return this.ports.clock.now() - this.acknowledged.at < ACKNOWLEDGEMENT_LEASE_MS ? this.latest : undefined;
  }

  private async poll(): Promise<void> {
    await this.refresh();
    if (this.isStopped) return;
    const isChanging = this.latest !== undefined && this.latest.change !== null;
    this.cancelTimer = this.ports.clock.after(
      isChanging ? REFRESH_DURING_CHANGE_MS : REFRESH_MS,
      () => void this.poll(),
    );
  }

  /** Fetches and acknowledges once for all that wait. It never rejects: what could not be fetched gets too old. */
  private async refresh(): Promise<void> {
    this.refreshing ??= this.fetch()
      .catch((error: unknown) =>
        this.ports.logger.warn({ reason: String(error) }, 'cannot read the state of the migration'),
      )
      .finally(() => {
        this.refreshing = undefined;
      });
    await this.refreshing;
  }

  private async fetch(): Promise<void> {
    const at = this.ports.clock.now();
    if (!this.isRegistered) {
      // Before the read: a change that this read misses waits for this instance.
      await this.ports.store.register(this.ports.identity);
      this.isRegistered = true;
    }
    const snapshot = await this.ports.store.read();
    if (this.isStopped || snapshot.revision < (this.latest?.revision ?? 0)) return;
    this.known = { snapshot, at };
    const hasEnded = this.unfenced === 0 || writeRoute(snapshot) === 'unfenced';
    const revision = hasEnded ? snapshot.revision : this.acknowledged.revision;
    if (revision === this.acknowledged.revision && at - this.acknowledged.at < HEARTBEAT_MS) return;
    if (await this.ports.store.acknowledge(this.ports.identity, revision)) {
      this.acknowledged = { revision, at };
      return;
    }
    // Changes were made without this instance: all that it knows may be wrong.
    this.isRegistered = false;
    this.known = undefined;
    this.acknowledged = { revision: 0, at: Number.NEGATIVE_INFINITY };
    this.ports.logger.warn(
      { instance: this.ports.identity.name },
      'this instance was removed from the registry, registering again',
    );
  }
}

function describe({ capabilities }: MigrationSnapshot, capability: ReadCapability, key: string): StageOfRead {
  const state = capabilities[capability];
  return { stage: stageOfBucket(capability, state, bucketOf(key)), version: state.version };
}
