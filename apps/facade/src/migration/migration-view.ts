import type { z } from 'zod';
import type { BucketStore } from '../intents/bucket-store.js';
import { byCapability, stagesOf, type Capability } from '../stages/capability.js';
import { errorRateOf } from '../stages/figures.js';
import { needsGate } from '../stages/gate.js';
import type { MigrationSnapshot } from '../stages/migration-snapshot.js';
import type { AuditEntry } from '../state/audit-entry.js';
import type { MigrationStore } from '../state/migration-store.js';
import type { ChangeFacts, GateReading } from './change-facts.js';
import type { AuditSchema, MigrationResponse, PendingIntentsSchema } from './migration-response.js';

const MAX_PENDING = 1_000;

/** The migration as responses show it. */
export class MigrationView {
  constructor(
    private readonly store: MigrationStore,
    private readonly buckets: BucketStore,
    private readonly facts: ChangeFacts,
  ) {}

  async whole(): Promise<MigrationResponse> {
    const snapshot = await this.store.read();
    const reading = await this.facts.read(snapshot);
    const { revision, hold, change } = snapshot;
    return {
      revision,
      hold: hold && { ...hold, since: hold.since.toISOString() },
      change: change && {
        stage: change.stage,
        percent: change.percent,
        step: change.step,
        by: change.by,
        reason: change.reason,
        deadline: change.deadline.toISOString(),
      },
      instances: (await this.store.instances()).map(({ name, revision: applied, refreshedAt }) => ({
        name,
        revision: applied,
        refreshedAt: refreshedAt.toISOString(),
      })),
      capabilities: byCapability((capability) => this.capability(snapshot, capability, reading)),
    };
  }

  async pending(): Promise<z.infer<typeof PendingIntentsSchema>> {
    const now = this.buckets.now().getTime();
    const open = (await this.buckets.openBuckets()).flatMap(({ bucket, open: intents }) =>
      intents.map((intent) => ({
        id: intent.order.id,
        number: intent.order.legacy.number,
        accountId: intent.order.accountId,
        bucket,
        seq: intent.seq,
        answering: intent.answering,
        legacy: intent.legacy,
        new: intent.new,
        ageMs: Math.max(0, now - intent.admittedAt.getTime()),
        attempts: intent.attempts,
        reason: intent.lastError,
        instance: intent.instance,
      })),
    );
    const items = open.toSorted((a, b) => b.ageMs - a.ageMs).slice(0, MAX_PENDING);
    return { count: open.length, items };
  }

  async audit(limit: number): Promise<z.infer<typeof AuditSchema>> {
    return { items: (await this.store.audit(limit)).map(entryOf) };
  }

  private capability(snapshot: MigrationSnapshot, capability: Capability, reading: GateReading) {
    const { since, ...state } = snapshot.capabilities[capability];
    const figures = reading.figures[capability];
    const stages = stagesOf(capability);
    const next = state.percent === 100 ? stages[stages.indexOf(state.stage) + 1] : state.stage;
    const gate =
      next !== undefined && needsGate(next) ? this.facts.gate(snapshot, { capability, stage: next }, reading) : [];
    return {
      ...state,
      since: since.toISOString(),
      samples: figures.samples,
      mismatches: figures.mismatches,
      errorRate: { legacy: errorRateOf(figures, 'legacy'), new: errorRateOf(figures, 'new') },
      p50Ms: { ...figures.p50Ms },
      p99Ms: { ...figures.p99Ms },
      pendingIntents: reading.intents.count,
      gate: [...gate],
    };
  }
}

function entryOf({ at, gate, ...entry }: AuditEntry): z.infer<typeof AuditSchema>['items'][number] {
  return { ...entry, at: at.toISOString(), ...(gate && { gate: [...gate] }) };
}
