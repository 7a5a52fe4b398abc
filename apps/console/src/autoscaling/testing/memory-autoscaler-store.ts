import type { AutoscalerStore, KeptDecision, StoredAutoscaler } from '../autoscaler-store.js';

/** What several stores share, as several consoles share a database. */
export interface SharedAutoscaler {
  owner: string | null;
  stored: string | null;
  isResumeRequested: boolean;
  decisions: KeptDecision[];
}

export function sharedAutoscaler(): SharedAutoscaler {
  return { owner: null, stored: null, isResumeRequested: false, decisions: [] };
}

/** A store in memory, for specs. It passes the contract of `MongoAutoscalerStore`, but its leases do not expire. */
export class MemoryAutoscalerStore implements AutoscalerStore {
  constructor(
    private readonly shared: SharedAutoscaler,
    private readonly owner: string,
  ) {}

  async take(): Promise<{ readonly isHeld: boolean; readonly stored: StoredAutoscaler | null }> {
    this.shared.owner ??= this.owner;
    const { stored, owner } = this.shared;
    return { isHeld: owner === this.owner, stored: stored === null ? null : (JSON.parse(stored) as StoredAutoscaler) };
  }

  async save(stored: StoredAutoscaler): Promise<{ readonly isHeld: boolean; readonly isResumeRequested: boolean }> {
    if (this.shared.owner !== this.owner) return { isHeld: false, isResumeRequested: false };
    const { isResumeRequested } = this.shared;
    Object.assign(this.shared, { stored: JSON.stringify(stored), isResumeRequested: false });
    return { isHeld: true, isResumeRequested };
  }

  async release(): Promise<void> {
    if (this.shared.owner === this.owner) this.shared.owner = null;
  }

  async keep(decision: KeptDecision): Promise<void> {
    this.shared.decisions.unshift(decision);
  }

  async list(before: string | undefined, limit: number): Promise<KeptDecision[]> {
    return this.shared.decisions.filter(({ id }) => before === undefined || id < before).slice(0, limit);
  }

  async requestResume(): Promise<void> {
    this.shared.isResumeRequested = true;
  }
}
