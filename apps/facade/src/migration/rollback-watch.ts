import {
  byCapability,
  type ByCapability,
  type Capability,
  type MigrationSnapshot,
} from '../stages/migration-snapshot.js';
import { ChangeRefusal } from '../stages/changes.js';
import { NO_FIGURES, type Figures, decideRollbacks, type Observed, type RollbackDecision } from '../stages/gate.js';
import type { MigrationPorts } from './migration-ports.js';
import { auditEntry } from './migration-store.js';
import { type ChangeFacts, FACADE, type StageChanges } from './stage-changes.js';

const EVERY_MS = 500;
/** The window of the error rate. */
const WINDOW_MS = 5_000;
const AUDIT_EVERY_MS = 60_000;

interface Sample {
  readonly at: number;
  readonly version: number;
  readonly figures: Figures;
}

/** Takes capabilities back by itself when the new side fails or differs. It runs in the instance that holds the worker lease. */
export class RollbackWatch {
  private readonly history = new Map<Capability, Sample[]>();
  private readonly audited = new Map<string, number>();
  private checkedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly ports: Pick<MigrationPorts, 'store' | 'limits' | 'clock' | 'logger' | 'isLegacyAway'>,
    private readonly facts: Pick<ChangeFacts, 'figuresOf'>,
    private readonly changes: Pick<StageChanges, 'rollBack'>,
  ) {}

  /** Checks the limits, at most twice a second. */
  async check(): Promise<void> {
    const { clock, store, limits, isLegacyAway } = this.ports;
    const now = clock.now();
    if (now - this.checkedAt < EVERY_MS) return;
    this.checkedAt = now;
    const snapshot = await store.read();
    const observed = await this.observe(snapshot, now);
    for (const decision of decideRollbacks(snapshot, observed, limits.rollback, isLegacyAway()))
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
