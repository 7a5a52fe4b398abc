import type { RunDocument } from '../runs/run-document.js';
import type { RunWork } from '../runs/run-job.js';
import type { BackfillResult, BackfillRuns, UntranslatedOrders } from './backfill-runs.js';
import { runBackfill, type BackfillContext, type BackfillProgress } from './run-backfill.js';
import type { UntranslatedOrder } from './translated-rows.js';

/** Runs a stored backfill, and stores which orders have no translation. */
export class BackfillWork implements RunWork<BackfillProgress, BackfillResult> {
  constructor(
    private readonly runs: BackfillRuns,
    private readonly findings: UntranslatedOrders,
    private readonly sides: Omit<BackfillContext, 'record'>,
  ) {}

  async run(
    run: RunDocument<BackfillProgress, BackfillResult>,
    signal: AbortSignal,
  ): Promise<{ readonly progress: BackfillProgress; readonly result: BackfillResult }> {
    let { next: from } = run.progress;
    const record = async (untranslated: readonly UntranslatedOrder[], progress: BackfillProgress): Promise<void> => {
      await this.findings.replace(run._id, from, untranslated, progress.untranslated - untranslated.length);
      await this.runs.save(run, progress);
      from = progress.next;
    };
    const progress = await runBackfill(run.progress, { ...this.sides, record }, signal);
    return { progress, result: progress.untranslated > 0 ? 'incomplete' : 'imported' };
  }
}
