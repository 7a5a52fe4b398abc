import { byCapability, type ByCapability } from '../stages/capability.js';
import type { Figures } from '../stages/figures.js';
import { evaluateGate, type GateCondition, type GateLimits, type VerifyResult } from '../stages/gate.js';
import type { MigrationSnapshot } from '../stages/migration-snapshot.js';
import type { Move } from '../stages/changes.js';
import type { BucketStore } from '../intents/bucket-store.js';

/** What was observed of the sides. */
export interface ObservedFigures {
  /** Returns the figures of each capability since the change that led to this version. */
  read(versions: ByCapability<number>): Promise<ByCapability<Figures>>;
}

/** The last verify that has ended. */
export interface Verifies {
  last(): Promise<VerifyResult | null>;
}

/** The open intents, in numbers. */
export interface IntentFigures {
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
  constructor(
    private readonly figures: ObservedFigures,
    private readonly verifies: Verifies,
    private readonly buckets: BucketStore,
    private readonly limits: GateLimits,
  ) {}

  async figuresOf({ capabilities }: MigrationSnapshot): Promise<ByCapability<Figures>> {
    return this.figures.read(byCapability((capability) => capabilities[capability].version));
  }

  async read(snapshot: MigrationSnapshot): Promise<GateReading> {
    const [figures, intents, lastVerify] = await Promise.all([
      this.figuresOf(snapshot),
      this.intents(),
      this.verifies.last(),
    ]);
    return { figures, intents, lastVerify };
  }

  /** @param until only intents that were admitted until then */
  async intents(until?: Date): Promise<IntentFigures> {
    const now = this.buckets.now().getTime();
    const open = (await this.buckets.openBuckets()).flatMap((bucket) => bucket.open);
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
    return evaluateGate(capability, stage, this.limits, { figures: figures[capability], ...others, copyingSince });
  }
}
