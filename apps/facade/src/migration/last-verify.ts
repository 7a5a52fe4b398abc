import type { VerifyResult } from '../stages/gate.js';
import { type VerificationRuns, countDifferences } from '../runs/verification.js';
import type { Verifies } from './stage-changes.js';

/** The last verification that has compared everything. One that was cancelled, or that waited for writes in vain, says nothing. */
export class LastVerify implements Verifies {
  constructor(private readonly runs: VerificationRuns) {}

  async last(): Promise<VerifyResult | null> {
    const run = await this.runs.latestWith(['equal', 'different']);
    return run && { startedAt: run.startedAt, differences: countDifferences(run.progress) };
  }
}
