import { expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { firstState } from '#autoscaling/follow-load.js';
import type { AutoscalerStore, KeptDecision, StoredAutoscaler } from '../autoscaler-store.js';
import { STEP_UP } from './a-decision.js';

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

const STATE = firstState({ at: 1_000, consumers: 2, arrivalPerSecond: 0.5, savedPerSecond: 0 });
const DECISION: StoredAutoscaler['decision'] = { ...STEP_UP, kind: 'keep', reason: 'enough', to: 2 };

function keptAt(msecs: number): KeptDecision {
  return { ...DECISION, id: uuidv7({ msecs }), at: new Date(msecs), mode: 'on' };
}

/** What every store of the autoscaler must do. @param makeTwo returns two stores of different processes on the same, empty data */
export function itIsAnAutoscalerStore(makeTwo: () => Promise<readonly [AutoscalerStore, AutoscalerStore]>): void {
  it('lets one of two processes decide, and the other one go on from its state', async () => {
    const [one, other] = await makeTwo();
    expect(await one.take()).toEqual({ isHeld: true, stored: null });
    const stored: StoredAutoscaler = { mode: 'on', state: STATE, decision: DECISION };
    expect(await one.save(stored)).toEqual({ isHeld: true, isResumeRequested: false });
    expect(await other.take()).toEqual({ isHeld: false, stored });
    expect((await other.save({ ...stored, mode: 'dry-run' })).isHeld).toBe(false);
    expect(await one.take()).toEqual({ isHeld: true, stored });
    await other.release();
    expect((await one.save(stored)).isHeld).toBe(true);
    await one.release();
    expect(await other.take()).toEqual({ isHeld: true, stored });
    expect((await one.save(stored)).isHeld).toBe(false);
  });

  it('gives a request to resume to the process that decides, once', async () => {
    const [one, other] = await makeTwo();
    await one.take();
    const stored: StoredAutoscaler = { mode: 'on', state: null, decision: DECISION };
    await one.save(stored);
    await other.requestResume();
    expect((await one.save(stored)).isResumeRequested).toBe(true);
    expect((await one.save(stored)).isResumeRequested).toBe(false);
  });

  it('lists decisions newest first, in pages', async () => {
    const [store] = await makeTwo();
    // Not in the past: MongoDB removes decisions after a week.
    const future = Date.UTC(2_100, 0);
    const decisions = [future + 1_000, future + 2_000, future + 3_000].map(keptAt);
    for (const decision of decisions) await store.keep(decision);
    expect(await store.list(undefined, 2)).toEqual([decisions[2], decisions[1]]);
    expect(await store.list(decisions[1]?.id, 2)).toEqual([decisions[0]]);
  });
}
