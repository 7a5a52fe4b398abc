import type { Decision, DecisionReason } from '#autoscaling/decision.js';
import type { AutoscaleMode } from './autoscaling-settings.js';

/** Reasons to wait that a person wants to know about. The others, such as that consumers carry the load, are the usual course. */
const NOTED: ReadonlySet<DecisionReason> = new Set([
  'bound',
  'at-maximum',
  'not-worth-a-pause',
  'stalled',
  'suspended',
  'held-by-hand',
]);
/** The same reason to wait is kept again after this time: it may come and go with each burst. */
const AGAIN_AFTER_MS = 300_000;

/**
 * Chooses the decisions to keep, of one decision a second: steps, verdicts, and new reasons to wait. At most about 13 an hour of each reason, so
 * that a week of them is small.
 */
export class DecisionNews {
  private readonly keptAt = new Map<string, number>();
  private last: Decision | undefined;

  constructor(private readonly mode: AutoscaleMode) {}

  /** @param at milliseconds since 1970 */
  isNews(decision: Decision, at: number): boolean {
    const before = this.last;
    this.last = decision;
    if (decision.verdict !== null) return true;
    if (decision.kind !== 'keep') return this.mode === 'on' || this.isDue(keyOf(decision), at);
    if (before?.reason === 'held-by-hand' && decision.reason !== 'held-by-hand') return true;
    return NOTED.has(decision.reason) && before?.reason !== decision.reason && this.isDue(decision.reason, at);
  }

  private isDue(key: string, at: number): boolean {
    if (at - (this.keptAt.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_AFTER_MS) return false;
    this.keptAt.set(key, at);
    return true;
  }
}

/** In a dry run the same step is decided each second, until a person makes it. */
function keyOf({ kind, reason, to }: Decision): string {
  return `${kind} ${reason} ${to}`;
}
