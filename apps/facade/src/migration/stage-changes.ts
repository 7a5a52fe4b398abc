import { pause } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import {
  byCapability,
  type ByCapability,
  type MigrationSnapshot,
  targetAnswers,
  type PendingChange,
  positionOf,
  type Capability,
} from '../stages/stages.js';
import {
  type Figures,
  evaluateGate,
  type GateCondition,
  type VerifyResult,
  unforcedConditions,
  type RollbackDecision,
  NO_FIGURES,
  decideRollbacks,
  type Observed,
} from '../stages/gate.js';
import {
  type Move,
  abandonChange,
  finishChange,
  passBuckets,
  raiseFence,
  ChangeRefusal,
  checkChange,
  type ChangeRequest,
  beginMove,
  needsAcknowledgement,
  nameOf,
} from '../stages/change-rules.js';
import type { MigrationPorts } from './migration-ports.js';
import { actsUntil } from './migration-state.js';
import { auditEntry, type AuditEntry } from './migration-store.js';

/** The open intents, in numbers. */
interface IntentFigures {
  readonly count: number;
  readonly oldestMs: number;
}

/** What the gates of all capabilities are evaluated by. */
export interface GateReading {
  readonly figures: ByCapability<Figures>;
  readonly intents: IntentFigures;
  readonly lastVerify: VerifyResult | null;
}

/** Collects what the gate and the views need to know. */
export class ChangeFacts {
  constructor(private readonly ports: Pick<MigrationPorts, 'figures' | 'lastVerify' | 'buckets' | 'limits'>) {}

  async figuresOf({ capabilities }: MigrationSnapshot): Promise<ByCapability<Figures>> {
    return this.ports.figures(byCapability((capability) => capabilities[capability].version));
  }

  async read(snapshot: MigrationSnapshot): Promise<GateReading> {
    const [figures, intents, lastVerify] = await Promise.all([
      this.figuresOf(snapshot),
      this.intents(),
      this.ports.lastVerify(),
    ]);
    return { figures, intents, lastVerify };
  }

  /** @param until only intents that were admitted until then */
  async intents(until?: Date): Promise<IntentFigures> {
    const { buckets } = this.ports;
    const now = buckets.now().getTime();
    const open = (await buckets.openBuckets()).flatMap((bucket) => bucket.open);
    const ages = open
      .filter(({ admittedAt }) => until === undefined || admittedAt <= until)
      .map(({ admittedAt }) => Math.max(0, now - admittedAt.getTime()));
    return { count: ages.length, oldestMs: Math.max(0, ...ages) };
  }

  /** Evaluates the gate of a step forward. */
  gate(
    { copyingSince }: MigrationSnapshot,
    { capability, stage }: Pick<Move, 'capability' | 'stage'>,
    { figures, ...others }: GateReading,
  ): readonly GateCondition[] {
    return evaluateGate(capability, stage, this.ports.limits, {
      figures: figures[capability],
      ...others,
      copyingSince,
    });
  }
}

const LEGACY_LIMIT_MS = timeLimit(5_000);

/**
 * Brings a pending change of writes to its end, step by step. Any instance may do any step, several at once, and again after a crash:
 * each one is a compare-and-set, and an epoch only rises.
 */
export class ChangeDriver {
  private raised = 0;

  constructor(private readonly ports: Pick<MigrationPorts, 'store' | 'buckets' | 'numbers' | 'legacy'>) {}

  /** Returns whether there may be something to do, as far as this instance knows. */
  hasWork(known: MigrationSnapshot | undefined): boolean {
    if (known === undefined || known.change !== null) return true;
    // A crash between a step and its buckets leaves the buckets behind.
    if (known.fence !== null && known.fence.epoch > this.raised) return true;
    return known.legacyMayLag && !targetAnswers(known.capabilities.writes.stage);
  }

  /** Does all steps that can be done now. @returns the snapshot after them */
  async drive(): Promise<MigrationSnapshot> {
    for (;;) {
      const snapshot = await this.ports.store.read();
      const { fence, change } = snapshot;
      if (fence !== null && fence.epoch > this.raised) {
        await this.ports.buckets.raise(fence);
        this.raised = fence.epoch;
      }
      const isDone = change === null ? await this.endLag(snapshot) : await this.step(snapshot, change);
      if (!isDone) return snapshot;
    }
  }

  /** @returns whether the snapshot may have changed, by this instance or another; `false`: the change has to wait */
  private async step(snapshot: MigrationSnapshot, change: PendingChange): Promise<boolean> {
    const now = this.ports.store.now();
    if (change.step === 'buckets') {
      const next = passBuckets(snapshot, change, now);
      return this.replace(next, change, next.change === null ? 'done' : null);
    }
    const missing = change.step === 'acknowledge' ? await this.unacknowledged(change) : await this.undrained(change);
    const isReady = missing === '' && (change.step === 'drain' || (await this.knowsNumbers(snapshot)));
    if (isReady)
      return change.step === 'drain'
        ? this.replace(finishChange(snapshot, change, now), change, 'done')
        : this.replace(raiseFence(snapshot, change), change, null);
    if (now < change.deadline) return false;
    return this.replace(abandonChange(snapshot), change, 'abandoned', missing || 'the legacy system does not answer');
  }

  private async replace(
    next: MigrationSnapshot,
    { stage, percent, by, reason }: PendingChange,
    action: 'done' | 'abandoned' | null,
    why = reason,
  ): Promise<boolean> {
    const to = `${stage} at ${percent} %`;
    const entry =
      action === null
        ? null
        : auditEntry({
            at: this.ports.store.now(),
            by,
            action,
            reason: why,
            revision: next.revision,
            capability: 'writes',
            to,
          });
    await this.ports.store.replace(next, entry);
    return true;
  }

  private async unacknowledged({ announced }: PendingChange): Promise<string> {
    const missing = (await this.ports.store.instances()).filter(({ revision }) => revision < announced);
    return missing.length === 0 ? '' : `not acknowledged by ${missing.map(({ name }) => name).join(', ')}`;
  }

  /** The legacy system must have its orders. The target gets its own later, also in `off`. */
  private async undrained({ stage }: PendingChange): Promise<string> {
    const open = (await this.ports.buckets.openBuckets()).flatMap((bucket) => bucket.open);
    const awaited = open.filter((intent) => intent.legacy === 'open' && (stage === 'off' || intent.new === 'none'));
    return awaited.length === 0 ? '' : `the legacy system still misses ${awaited.length} orders`;
  }

  /** When writes leave `off`, the numbers of the facade begin above those that the legacy system has assigned. */
  private async knowsNumbers({ fence }: MigrationSnapshot): Promise<boolean> {
    if (fence !== null) return true;
    try {
      await this.ports.numbers.raiseAbove(await this.ports.legacy.highestNumber(AbortSignal.timeout(LEGACY_LIMIT_MS)));
      return true;
    } catch {
      // It is asked again until the change is abandoned.
      return false;
    }
  }

  /** After writes have gone back from `live`, the legacy system lags until the last order that the target answered is there. */
  private async endLag(snapshot: MigrationSnapshot): Promise<boolean> {
    if (!snapshot.legacyMayLag || targetAnswers(snapshot.capabilities.writes.stage)) return false;
    const open = (await this.ports.buckets.openBuckets()).flatMap((bucket) => bucket.open);
    if (open.some(({ answering }) => answering === 'new')) return false;
    await this.ports.store.replace({ ...snapshot, revision: snapshot.revision + 1, legacyMayLag: false }, null);
    return true;
  }
}

/** An instance that has not renewed its registration for this long is missing. */
const MISSING_AFTER_MS = timeLimit(5_000);
/** How long the last step of writes waits for the intents that are open at its request. */
const DRAIN_MS = timeLimit(5_000);
const POLL_MS = 25;

/** By whom the facade's own changes are. */
const FACADE = 'facade';

/** Changes of stages and percentages, by people and by the facade itself. */
export class StageChanges {
  constructor(
    private readonly ports: Pick<MigrationPorts, 'store' | 'clock' | 'limits'>,
    private readonly driver: ChangeDriver,
    private readonly facts: ChangeFacts,
  ) {}

  /**
   * Makes a change, and resolves once it is done.
   * @throws ChangeRefusal: nothing has changed
   */
  async request(request: ChangeRequest, by: string): Promise<MigrationSnapshot> {
    const snapshot = await this.ports.store.read();
    let gate: readonly GateCondition[] = [];
    try {
      const move = checkChange(snapshot, request);
      if (move.needsGate) gate = await this.passGate(snapshot, move, request.force === true);
      if (needsAcknowledgement(snapshot, move)) await this.findMissing(request.force === true);
      return await this.make(snapshot, move, { ...request, by, gate, action: 'change' });
    } catch (error) {
      if (error instanceof ChangeRefusal) await this.auditRefusal(snapshot, request, by, error);
      throw error;
    }
  }

  /** Rolls a capability back by one stage automatically. @throws ChangeRefusal, such as while the migration is held */
  async rollBack({ capability, stage, cause }: Extract<RollbackDecision, { decision: 'roll-back' }>): Promise<void> {
    const snapshot = await this.ports.store.read();
    const move = checkChange(snapshot, { capability, stage, reason: cause, force: true });
    if (move.isForward) return;
    await this.make(snapshot, move, { by: FACADE, reason: cause, cause, gate: [], action: 'rollback' });
  }

  /** Blocks all changes, or allows them again. A change that is in progress ends. */
  async hold(held: boolean, reason: string, by: string): Promise<MigrationSnapshot> {
    for (;;) {
      const snapshot = await this.ports.store.read();
      const at = this.ports.store.now();
      const revision = snapshot.revision + 1;
      const next = { ...snapshot, revision, hold: held ? { by, reason, since: at } : null };
      const entry = auditEntry({ at, by, action: held ? 'hold' : 'release', reason, revision });
      if (await this.ports.store.replace(next, entry)) return next;
    }
  }

  private async passGate(
    snapshot: MigrationSnapshot,
    move: Move,
    isForced: boolean,
  ): Promise<readonly GateCondition[]> {
    const isLast = move.capability === 'writes' && move.stage === 'complete';
    const drained = isLast ? { intents: await this.drainedIntents() } : {};
    const gate = this.facts.gate(snapshot, move, { ...(await this.facts.read(snapshot)), ...drained });
    const binding = isForced ? unforcedConditions(move.capability, move.stage, gate) : gate;
    const unmet = binding.filter(({ holds }) => !holds).map(({ condition }) => condition);
    if (unmet.length === 0) return gate;
    throw new ChangeRefusal('gate-not-met', `${unmet.join(', ')} of the gate to ${move.stage} not met: see gate`, gate);
  }

  /** Waits until the intents that are open now are closed; later ones are drained by the change itself. */
  private async drainedIntents(): Promise<{ readonly count: number; readonly oldestMs: number }> {
    const asked = this.ports.store.now();
    const deadline = this.ports.clock.now() + DRAIN_MS;
    for (;;) {
      const intents = await this.facts.intents(asked);
      if (intents.count === 0 || this.ports.clock.now() >= deadline) return intents;
      await pause(this.ports.clock, POLL_MS);
    }
  }

  /** By force, missing instances are no longer registered. They may still write to the legacy system for an hour, by what they know. */
  private async findMissing(isForced: boolean): Promise<void> {
    const now = this.ports.store.now();
    const all = await this.ports.store.instances();
    const missing = all.filter(({ refreshedAt }) => now.getTime() - refreshedAt.getTime() > MISSING_AFTER_MS);
    const acting = missing.filter((instance) => now < actsUntil(instance));
    if (acting.length > 0 && !isForced) {
      const silent = acting.map((instance) => `${instance.name} (waits until ${actsUntil(instance).toISOString()})`);
      throw new ChangeRefusal(
        'instances-missing',
        `every facade instance must acknowledge this change; silent: ${silent.join(', ')}. Start them at the same host and port, or make sure that their processes have ended and use force`,
      );
    }
    for (const { process } of missing) await this.ports.store.deregister(process);
  }

  private async make(snapshot: MigrationSnapshot, move: Move, origin: Origin): Promise<MigrationSnapshot> {
    const now = this.ports.store.now();
    const deadline = new Date(now.getTime() + this.ports.limits.CHANGE_LIMIT_MS);
    const { by, reason, cause } = origin;
    const next = beginMove(snapshot, move, { by, reason, now, deadline, ...(cause !== undefined && { cause }) });
    const { action, force, gate } = origin;
    const entry: AuditEntry = auditEntry({
      at: now,
      by,
      action,
      reason,
      revision: next.revision,
      capability: move.capability,
      from: nameOf(snapshot.capabilities[move.capability]),
      to: nameOf(move),
      ...(force === true && { isForced: true }),
      ...(gate.length > 0 && { gate }),
    });
    if (!(await this.ports.store.replace(next, entry)))
      throw new ChangeRefusal('version-conflict', 'the migration was changed at the same time: read its state again');
    return next.change === null ? next : this.finish(move);
  }

  private async finish(move: Move): Promise<MigrationSnapshot> {
    let step = 'acknowledge';
    for (;;) {
      const snapshot = await this.driver.drive();
      if (snapshot.change === null) {
        const { writes } = snapshot.capabilities;
        if (positionOf('writes', writes) === positionOf('writes', move)) return snapshot;
        throw step === 'drain'
          ? new ChangeRefusal('not-drained', 'the legacy system did not get all open orders in time: see the audit')
          : new ChangeRefusal('not-acknowledged', 'not every facade instance acknowledged in time: see the audit');
      }
      ({ step } = snapshot.change);
      await pause(this.ports.clock, POLL_MS);
    }
  }

  private async auditRefusal(snapshot: MigrationSnapshot, request: ChangeRequest, by: string, refusal: ChangeRefusal) {
    const { capability, stage, percent, reason, force } = request;
    await this.ports.store.append(
      auditEntry({
        at: this.ports.store.now(),
        by,
        action: 'refusal',
        reason: reason.slice(0, 500),
        revision: snapshot.revision,
        capability: capability.slice(0, 40),
        to: `${stage.slice(0, 40)} at ${percent ?? 100} %`,
        code: refusal.code,
        ...(force === true && { isForced: true }),
        ...(refusal.gate.length > 0 && { gate: refusal.gate }),
      }),
    );
  }
}

interface Origin {
  readonly by: string;
  readonly reason: string;
  readonly cause?: string;
  readonly force?: boolean | undefined;
  readonly gate: readonly GateCondition[];
  readonly action: 'change' | 'rollback';
}

const EVERY_MS = 500;
/** The window of the error rate. */
const WINDOW_MS = 5_000;
const AUDIT_EVERY_MS = 60_000;

interface Sample {
  readonly at: number;
  readonly version: number;
  readonly figures: Figures;
}

/** Rolls capabilities back automatically when the target fails or differs. It runs in the instance that holds the worker lease. */
export class RollbackWatch {
  private readonly history = new Map<Capability, Sample[]>();
  private readonly audited = new Map<string, number>();
  private checkedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly ports: Pick<MigrationPorts, 'store' | 'limits' | 'clock' | 'logger' | 'isLegacyUnavailable'>,
    private readonly facts: Pick<ChangeFacts, 'figuresOf'>,
    private readonly changes: Pick<StageChanges, 'rollBack'>,
  ) {}

  /** Checks the limits, at most twice a second. */
  async check(): Promise<void> {
    const { clock, store, limits, isLegacyUnavailable } = this.ports;
    const now = clock.now();
    if (now - this.checkedAt < EVERY_MS) return;
    this.checkedAt = now;
    const snapshot = await store.read();
    const observed = await this.observe(snapshot, now);
    for (const decision of decideRollbacks(snapshot, observed, limits, isLegacyUnavailable()))
      await this.carryOut(decision, snapshot);
  }

  private async observe(snapshot: MigrationSnapshot, now: number): Promise<ByCapability<Observed>> {
    const figures = await this.facts.figuresOf(snapshot);
    return byCapability((capability) => {
      const { version } = snapshot.capabilities[capability];
      const sinceChange = figures[capability];
      const samples = (this.history.get(capability) ?? []).filter(
        (sample) => sample.version === version && now - sample.at <= WINDOW_MS,
      );
      this.history.set(capability, [...samples, { at: now, version, figures: sinceChange }]);
      return { sinceChange, lately: difference(sinceChange, samples[0]?.figures ?? NO_FIGURES) };
    });
  }

  private async carryOut(decision: RollbackDecision, snapshot: MigrationSnapshot): Promise<void> {
    const { capability, cause } = decision;
    if (decision.decision === 'alert') return this.alert(capability, cause, snapshot);
    try {
      await this.changes.rollBack(decision);
      this.ports.logger.error({ capability, stage: decision.stage, cause }, 'stage rolled back');
    } catch (error) {
      if (!(error instanceof ChangeRefusal)) throw error;
      await this.alert(capability, `${cause}; not rolled back: ${error.message}`, snapshot);
    }
  }

  /** Logs and audits an alert, once a minute for each capability. */
  private async alert(capability: Capability, cause: string, { revision }: MigrationSnapshot): Promise<void> {
    const { clock, store, logger } = this.ports;
    const now = clock.now();
    if (now - (this.audited.get(capability) ?? Number.NEGATIVE_INFINITY) < AUDIT_EVERY_MS) return;
    this.audited.set(capability, now);
    logger.error({ capability, cause }, 'limit passed, stage not rolled back');
    const at = store.now();
    await store.append(auditEntry({ at, by: FACADE, action: 'alert', reason: cause, revision, capability }));
  }
}

function difference(later: Figures, earlier: Figures): Figures {
  const less = (name: 'requests' | 'failures') => ({
    legacy: Math.max(0, later[name].legacy - earlier[name].legacy),
    new: Math.max(0, later[name].new - earlier[name].new),
  });
  return { ...later, requests: less('requests'), failures: less('failures') };
}
