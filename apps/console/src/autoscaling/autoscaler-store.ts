import { randomUUID } from 'node:crypto';
import type { Collection, WithId } from 'mongodb';
import type { AutoscaleState } from '#autoscaling/autoscale-state.js';
import type { Decision } from '#autoscaling/decision.js';
import { timeLimit } from '#orders/time-limit.js';
import { SoleLease, type SoleLeaseDocument } from '#service/mongodb/lease.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import type { AutoscaleMode } from './autoscaling-settings.js';

/** A decision that is kept: a step, a verdict, or a new reason to wait. */
export interface KeptDecision extends Decision {
  /** A UUIDv7: ids are in the order of the decisions. */
  readonly id: string;
  readonly at: Date;
  readonly mode: AutoscaleMode;
}

/** What the process that decides has stored last. */
export interface StoredAutoscaler {
  readonly mode: AutoscaleMode;
  /** `null`: nothing was observed yet. */
  readonly state: AutoscaleState | null;
  /** What was decided with the last observation. */
  readonly decision: Decision;
}

/** Keeps the state of the policy, so that one process of several decides, and the next one goes on from there. */
export interface AutoscalerStore {
  /**
   * Takes the lease unless another process has it.
   * @returns what was stored last, and whether this process may decide
   */
  take(): Promise<{ readonly isHeld: boolean; readonly stored: StoredAutoscaler | null }>;
  /** Renews the lease and stores the state, unless another process has the lease. */
  save(stored: StoredAutoscaler): Promise<{
    readonly isHeld: boolean;
    /** A person has asked to end a hold since the last save. */
    readonly isResumeRequested: boolean;
  }>;
  /** Gives the lease up, so that another process decides at once. */
  release(): Promise<void>;
  keep(decision: KeptDecision): Promise<void>;
  /** Returns kept decisions, newest first. @param before only those before the one with this id */
  list(before: string | undefined, limit: number): Promise<KeptDecision[]>;
  /** Asks the process that decides to end a hold. */
  requestResume(): Promise<void>;
}

/** How long a process may be silent before another one takes over, in ms. It renews the lease once a second. */
const LEASE_MS = timeLimit(10_000);
const [POLICIES, POLICY_ID] = ['autoscaler', 'policy'];
const READ_WITHIN_MS = timeLimit(5_000);

type PolicyDocument = SoleLeaseDocument & Partial<StoredAutoscaler> & { readonly resume?: boolean };

type DecisionDocument = Omit<KeptDecision, 'id'> & { readonly _id: string };

/**
 * The collections `autoscaler`, with one document, and `autoscalerDecisions`, from which MongoDB removes decisions after seven days. Lease and
 * state are one document: only the process that has the lease can store a state, so that two never decide from different ones.
 */
export class MongoAutoscalerStore implements AutoscalerStore {
  private readonly policy: SoleLease<PolicyDocument>;
  private readonly decisions: Collection<DecisionDocument>;

  constructor(
    private readonly mongo: Mongo,
    owner: string = randomUUID(),
  ) {
    this.policy = new SoleLease(mongo, { collection: POLICIES, id: POLICY_ID, owner, durationMs: LEASE_MS });
    this.decisions = mongo.db.collection('autoscalerDecisions');
  }

  async take(): Promise<{ readonly isHeld: boolean; readonly stored: StoredAutoscaler | null }> {
    const held = await this.policy.acquire();
    return { isHeld: held !== null, stored: toStored(held ?? (await this.policy.find())) };
  }

  async save(stored: StoredAutoscaler): Promise<{ readonly isHeld: boolean; readonly isResumeRequested: boolean }> {
    const before = await this.policy.renew(stored, { unset: { resume: true } });
    return { isHeld: before !== null, isResumeRequested: before?.resume === true };
  }

  async release(): Promise<void> {
    await this.policy.release();
  }

  async keep({ id, ...decision }: KeptDecision): Promise<void> {
    await this.decisions.insertOne({ _id: id, ...decision });
  }

  async list(before: string | undefined, limit: number): Promise<KeptDecision[]> {
    const found = await this.decisions
      .find(before === undefined ? {} : { _id: { $lt: before } }, { maxTimeMS: READ_WITHIN_MS })
      .sort({ _id: -1 })
      .limit(limit)
      .toArray();
    return Array.from(found, ({ _id: id, ...decision }) => ({ id, ...decision }));
  }

  async requestResume(): Promise<void> {
    await this.mongo.db.collection<PolicyDocument>(POLICIES).updateOne({ _id: POLICY_ID }, { $set: { resume: true } });
  }
}

/** @returns `null` before the first decision is stored */
function toStored(document: WithId<PolicyDocument> | null): StoredAutoscaler | null {
  if (document?.mode === undefined || document.decision === undefined || document.state === undefined) return null;
  const { mode, state, decision } = document;
  return { mode, state, decision };
}
