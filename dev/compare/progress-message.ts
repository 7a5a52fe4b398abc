import type { ComparisonReport } from './comparison.js';

/**
 * The state of a comparison, sent in full with each change over the IPC channel to the parent process. A missed message is
 * therefore made up for by the next one.
 */
export interface ComparisonMessage {
  readonly type: 'comparison';
  readonly comparison: ComparisonProgress;
}

export interface ComparisonProgress extends Omit<ComparisonReport, 'results' | 'machine'> {
  readonly state: 'running' | 'done' | 'failed';
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** In the order of measurement; the figures of ways that aren't measured yet are `null`. */
  readonly ways: ComparisonReport['results'];
  /** The name of the way that is being measured; `null` while the comparison starts and after it has ended. */
  readonly current: string | null;
  /** Why it failed; `code` is stable. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Sends the progress to the parent process, if there is a channel. */
export class ProgressReporter {
  private readonly startedAt = new Date().toISOString();
  private latest: ComparisonReport | undefined;

  constructor(private readonly channel: Pick<NodeJS.Process, 'send'>) {}

  running(report: ComparisonReport, current: string | null): void {
    this.latest = report;
    this.send('running', current, null);
  }

  done(): void {
    this.send('done', null, null);
  }

  /** Before the first report nothing is sent: the parent process learns of the failure from the exit of this process. */
  failed(code: string, message: string): void {
    this.send('failed', null, { code, message });
  }

  private send(state: ComparisonProgress['state'], current: string | null, error: ComparisonProgress['error']): void {
    if (this.latest === undefined) return;
    const { results: ways, machine: _machine, ...setUp } = this.latest;
    const finishedAt = state === 'running' ? null : new Date().toISOString();
    const { startedAt } = this;
    const comparison = { ...setUp, state, startedAt, finishedAt, ways, current, error };
    // The callback swallows errors: if the parent is gone, an unhandled error would end this process before its stack has stopped.
    const message = { type: 'comparison', comparison } satisfies ComparisonMessage;
    this.channel.send?.(message, undefined, {}, () => undefined);
  }
}
