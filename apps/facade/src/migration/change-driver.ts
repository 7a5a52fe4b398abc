import type { BucketStore } from '../intents/bucket-store.js';
import type { NumberStore } from '../intents/number-store.js';
import type { MigrationSnapshot, PendingChange } from '../stages/migration-snapshot.js';
import { abandonChange, finishChange, passBuckets, raiseFence } from '../stages/steps.js';
import { auditEntry } from '../state/audit-entry.js';
import type { MigrationStore } from '../state/migration-store.js';
import type { LegacyPort } from '../writes/legacy-port.js';
import { timeLimit } from '#orders/time-limit.js';

const LEGACY_LIMIT_MS = timeLimit(5_000);

/**
 * Brings a pending change of writes to its end, step by step. Any instance may do any step, several at once, and again after a crash:
 * each one is a compare-and-set, and an epoch only rises.
 */
export class ChangeDriver {
  private raised = 0;

  constructor(
    private readonly store: MigrationStore,
    private readonly buckets: BucketStore,
    private readonly numbers: NumberStore,
    private readonly legacy: LegacyPort,
  ) {}

  /** Returns whether there may be something to do, as far as this instance knows. */
  hasWork(known: MigrationSnapshot | undefined): boolean {
    if (known === undefined || known.change !== null) return true;
    // A crash between a step and its buckets leaves the buckets behind.
    if (known.fence !== null && known.fence.epoch > this.raised) return true;
    return known.legacyMayLag && !newSideAnswers(known);
  }

  /** Does all steps that can be done now. @returns the snapshot after them */
  async drive(): Promise<MigrationSnapshot> {
    for (;;) {
      const snapshot = await this.store.read();
      const { fence, change } = snapshot;
      if (fence !== null && fence.epoch > this.raised) {
        await this.buckets.raise(fence);
        this.raised = fence.epoch;
      }
      const isDone = change === null ? await this.endLag(snapshot) : await this.step(snapshot, change);
      if (!isDone) return snapshot;
    }
  }

  /** @returns whether the snapshot may have changed, by this instance or another; `false`: the change has to wait */
  private async step(snapshot: MigrationSnapshot, change: PendingChange): Promise<boolean> {
    const now = this.store.now();
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
            at: this.store.now(),
            by,
            action,
            reason: why,
            revision: next.revision,
            capability: 'writes',
            to,
          });
    await this.store.replace(next, entry);
    return true;
  }

  private async unacknowledged({ announced }: PendingChange): Promise<string> {
    const missing = (await this.store.instances()).filter(({ revision }) => revision < announced);
    return missing.length === 0 ? '' : `not acknowledged by ${missing.map(({ name }) => name).join(', ')}`;
  }

  /** The legacy system must have its orders. The new side gets its own later, also in `off`. */
  private async undrained({ stage }: PendingChange): Promise<string> {
    const open = (await this.buckets.openBuckets()).flatMap((bucket) => bucket.open);
    const awaited = open.filter((intent) => intent.legacy === 'open' && (stage === 'off' || intent.new === 'none'));
    return awaited.length === 0 ? '' : `the legacy system still misses ${awaited.length} orders`;
  }

  /** When writes leave `off`, the numbers of the facade begin above those that the legacy system has assigned. */
  private async knowsNumbers({ fence }: MigrationSnapshot): Promise<boolean> {
    if (fence !== null) return true;
    try {
      await this.numbers.raiseAbove(await this.legacy.highestNumber(AbortSignal.timeout(LEGACY_LIMIT_MS)));
      return true;
    } catch {
      // It is asked again until the change is abandoned.
      return false;
    }
  }

  /** After writes have gone back from `live`, the legacy system lags until the last order that the new side answered is there. */
  private async endLag(snapshot: MigrationSnapshot): Promise<boolean> {
    if (!snapshot.legacyMayLag || newSideAnswers(snapshot)) return false;
    const open = (await this.buckets.openBuckets()).flatMap((bucket) => bucket.open);
    if (open.some(({ answering }) => answering === 'new')) return false;
    await this.store.replace({ ...snapshot, revision: snapshot.revision + 1, legacyMayLag: false }, null);
    return true;
  }
}

function newSideAnswers({ capabilities }: MigrationSnapshot): boolean {
  const { stage } = capabilities.writes;
  return stage === 'live' || stage === 'complete';
}
