import { pause, type Clock } from '@orders-pipeline/clock';
import { ChangeRefusal } from '../stages/change-refusal.js';
import { checkChange, type ChangeRequest, type Move } from '../stages/changes.js';
import { unforcedConditions, type GateCondition } from '../stages/gate.js';
import { positionOf, type MigrationSnapshot } from '../stages/migration-snapshot.js';
import type { RollbackDecision } from '../stages/rollback-policy.js';
import { beginMove, needsAcknowledgement } from '../stages/steps.js';
import { auditEntry, type AuditEntry } from '../state/audit-entry.js';
import { actsUntil } from '../state/migration-state.js';
import type { MigrationStore } from '../state/migration-store.js';
import type { ChangeDriver } from './change-driver.js';
import type { ChangeFacts } from './change-facts.js';
import { timeLimit } from '#orders/time-limit.js';

/** An instance that has not renewed its registration for this long is missing. */
const MISSING_AFTER_MS = timeLimit(5_000);
/** How long the last step of writes waits for the intents that are open at its request. */
const SETTLE_MS = timeLimit(5_000);
const POLL_MS = 25;

/** By whom the facade's own changes are. */
export const FACADE = 'facade';

/** Changes of stages and percentages, by people and by the facade itself. */
export class StageChanges {
  constructor(
    private readonly store: MigrationStore,
    private readonly driver: ChangeDriver,
    private readonly facts: ChangeFacts,
    private readonly clock: Clock,
    /** After this time without all acknowledgements, a change is abandoned, in ms. */
    private readonly limitMs: number,
  ) {}

  /**
   * Makes a change, and resolves once it is done.
   * @throws ChangeRefusal: nothing has changed
   */
  async request(request: ChangeRequest, by: string): Promise<MigrationSnapshot> {
    const snapshot = await this.store.read();
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

  /** Takes a capability one stage back by itself. @throws ChangeRefusal, such as while the migration is held */
  async rollBack({ capability, stage, cause }: Extract<RollbackDecision, { decision: 'roll-back' }>): Promise<void> {
    const snapshot = await this.store.read();
    const move = checkChange(snapshot, { capability, stage, reason: cause, force: true });
    if (move.isForward) return;
    await this.make(snapshot, move, { by: FACADE, reason: cause, cause, gate: [], action: 'rollback' });
  }

  /** Blocks all changes, or allows them again. A change that is in progress ends. */
  async hold(held: boolean, reason: string, by: string): Promise<MigrationSnapshot> {
    for (;;) {
      const snapshot = await this.store.read();
      const at = this.store.now();
      const revision = snapshot.revision + 1;
      const next = { ...snapshot, revision, hold: held ? { by, reason, since: at } : null };
      const entry = auditEntry({ at, by, action: held ? 'hold' : 'release', reason, revision });
      if (await this.store.replace(next, entry)) return next;
    }
  }

  private async passGate(
    snapshot: MigrationSnapshot,
    move: Move,
    isForced: boolean,
  ): Promise<readonly GateCondition[]> {
    const isLast = move.capability === 'writes' && move.stage === 'complete';
    const settled = isLast ? { intents: await this.settledIntents() } : {};
    const gate = this.facts.gate(snapshot, move, { ...(await this.facts.read(snapshot)), ...settled });
    const binding = isForced ? unforcedConditions(move.capability, move.stage, gate) : gate;
    const unmet = binding.filter(({ holds }) => !holds).map(({ condition }) => condition);
    if (unmet.length === 0) return gate;
    throw new ChangeRefusal('gate-not-met', `${unmet.join(', ')} of the gate to ${move.stage} not met: see gate`, gate);
  }

  /** Waits until the intents that are open now are closed; later ones are drained by the change itself. */
  private async settledIntents(): Promise<{ readonly count: number; readonly oldestMs: number }> {
    const asked = this.store.now();
    const deadline = this.clock.now() + SETTLE_MS;
    for (;;) {
      const intents = await this.facts.intents(asked);
      if (intents.count === 0 || this.clock.now() >= deadline) return intents;
      await pause(this.clock, POLL_MS);
    }
  }

  /** By force, missing instances are no longer registered. They may still write to the legacy system for an hour, by what they know. */
  private async findMissing(isForced: boolean): Promise<void> {
    const now = this.store.now();
    const all = await this.store.instances();
    const missing = all.filter(({ refreshedAt }) => now.getTime() - refreshedAt.getTime() > MISSING_AFTER_MS);
    const acting = missing.filter((instance) => now < actsUntil(instance));
    if (acting.length > 0 && !isForced) {
      const silent = acting.map((instance) => `${instance.name} (waits until ${actsUntil(instance).toISOString()})`);
      throw new ChangeRefusal(
        'instances-missing',
        `every facade instance must acknowledge this change; silent: ${silent.join(', ')}. Start them at the same host and port, or make sure that their processes have ended and use force`,
      );
    }
    for (const { process } of missing) await this.store.deregister(process);
  }

  private async make(snapshot: MigrationSnapshot, move: Move, origin: Origin): Promise<MigrationSnapshot> {
    const now = this.store.now();
    const deadline = new Date(now.getTime() + this.limitMs);
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
    if (!(await this.store.replace(next, entry)))
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
      await pause(this.clock, POLL_MS);
    }
  }

  private async auditRefusal(snapshot: MigrationSnapshot, request: ChangeRequest, by: string, refusal: ChangeRefusal) {
    const { capability, stage, percent, reason, force } = request;
    await this.store.append(
      auditEntry({
        at: this.store.now(),
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

function nameOf({ stage, percent }: { readonly stage: string; readonly percent: number }): string {
  return stage === 'off' ? 'off' : `${stage} at ${percent} %`;
}
