import type { Clock } from '@orders-pipeline/clock';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { RunDocument } from '../runs/run-document.js';
import type { RunWork } from '../runs/run-job.js';
import type { IntervalFinding } from './interval-check.js';
import { runVerification } from './run-verification.js';
import {
  countDifferences,
  resultOf,
  type VerificationProgress,
  type VerificationResult,
} from './verification-progress.js';
import type { Differences, VerificationRuns } from './verification-runs.js';
import type { VerifiedSides } from './verified-sides.js';

/** How often the progress of equal intervals is stored, in ms. */
const SAVE_MS = 1_000;

/** Runs a stored verification, and stores its differences. */
export class VerificationWork implements RunWork<VerificationProgress, VerificationResult> {
  constructor(
    private readonly runs: VerificationRuns,
    private readonly findings: Differences,
    private readonly sides: VerifiedSides,
    private readonly zone: LegacyTimeZone,
    private readonly clock: Clock,
    private readonly hasClients: () => boolean,
  ) {}

  async run(
    run: RunDocument<VerificationProgress, VerificationResult>,
    signal: AbortSignal,
  ): Promise<{ readonly progress: VerificationProgress; readonly result: VerificationResult }> {
    let savedAt = this.clock.now();
    const record = async (finding: IntervalFinding, progress: VerificationProgress): Promise<void> => {
      const { differences, interval } = finding;
      if (differences.length === 0 && this.clock.now() - savedAt < SAVE_MS) return;
      if (differences.length > 0) {
        const countedBefore = countDifferences(progress) - differences.length;
        await this.findings.replace(run._id, interval.from, differences, countedBefore);
      }
      await this.runs.save(run, progress);
      savedAt = this.clock.now();
    };
    const { sides, zone, clock, hasClients } = this;
    const progress = await runVerification(run.progress, { sides, zone, clock, hasClients, record }, signal);
    return { progress, result: resultOf(progress) };
  }
}
