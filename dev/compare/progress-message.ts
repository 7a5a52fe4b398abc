import type { ComparisonReport } from './comparison.js';

/**
 * How a comparison is, told whole with each change, over the channel of whoever started it: who missed one message knows as much from
 * the next.
 */
export interface ComparisonMessage {
  readonly type: 'comparison';
  readonly comparison: ComparisonProgress;
}

export interface ComparisonProgress extends Omit<ComparisonReport, 'results' | 'machine'> {
  readonly state: 'running' | 'done' | 'failed';
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** In the order in which they are measured; the figures of those that aren't yet are `null`. */
  readonly ways: ComparisonReport['results'];
  /** The name of the one that is being measured; `null`: none is, it is starting or has ended. */
  readonly current: string | null;
  /** Why it failed; `code` is stable. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Tells it to whoever started this process, if there is a channel. */
export class ProgressReporter {
  private readonly startedAt = new Date().toISOString();
  private latest: ComparisonReport | undefined;

  constructor(private readonly channel: Pick<NodeJS.Process, 'send'>) {}

  running(report: ComparisonReport, current: string | null): void {
    this.latest = report;
    this.tell('running', current, null);
  }

  done(): void {
    this.tell('done', null, null);
  }

  /** Of one that had not begun nothing but the error is known: its process ends with it, which tells as much. */
  failed(code: string, message: string): void {
    this.tell('failed', null, { code, message });
  }

  private tell(state: ComparisonProgress['state'], current: string | null, error: ComparisonProgress['error']): void {
    if (this.latest === undefined) return;
    const { results: ways, machine: _machine, ...setUp } = this.latest;
    const finishedAt = state === 'running' ? null : new Date().toISOString();
    const { startedAt } = this;
    const comparison = { ...setUp, state, startedAt, finishedAt, ways, current, error };
    // Who is gone needs none: without somebody to take the error it would end this process before its stack has stopped.
    const message = { type: 'comparison', comparison } satisfies ComparisonMessage;
    this.channel.send?.(message, undefined, {}, () => undefined);
  }
}
