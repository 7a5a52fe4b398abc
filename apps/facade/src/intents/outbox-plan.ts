import type { SideName } from '../sides/side.js';
import { isFinal, isUnanswered, type Bucket, type Intent } from './intent.js';

/** An intent in its bucket. */
export interface Item {
  readonly bucket: number;
  readonly intent: Intent;
}

/** What the worker does with an intent: each goes on by itself while another one waits for a side that hangs. */
export type Work = 'repair' | 'legacy' | 'new' | 'check';

/** What the outbox worker can do now. */
export interface OutboxPlan {
  /** Final on both sides. */
  readonly closes: readonly Item[];
  /** To be repeated on the side that answers the client. */
  readonly repairs: readonly Item[];
  /** To be written to the side that follows, in this order. */
  readonly toNew: readonly Item[];
  /** As `toNew`; at most one for each account. */
  readonly toLegacy: readonly Item[];
  /** To be looked up on the new side. */
  readonly toCheck: readonly Item[];
}

export interface PlanOptions {
  readonly now: Date;
  /** The instance that admitted an intent has this many ms to write it to the answering side. */
  readonly repairAfterMs: number;
  /** Whether the worker does this with the intent already, or pauses it after a failure. */
  readonly isBusy: (item: Item, work: Work) => boolean;
}

/** Returns the key of an intent, unique for ever. */
export function keyOf({ bucket, intent }: Item): string {
  return `${bucket}:${intent.seq}`;
}

/**
 * Plans the next work. Pure. On each side, an account's write waits until all its earlier ones are stored there, or are refused:
 * also for those that the worker is at.
 */
export function planOutbox(buckets: readonly Bucket[], options: PlanOptions): OutboxPlan {
  const plan = { closes: [], repairs: [], toNew: [], toLegacy: [], toCheck: [] } as {
    readonly [name in keyof OutboxPlan]: Item[];
  };
  for (const { bucket, open } of buckets) {
    const behind: Record<SideName, Set<string>> = { legacy: new Set(), new: new Set() };
    for (const intent of open) planIntent({ bucket, intent }, behind, plan, options);
  }
  return plan;
}

function planIntent(
  item: Item,
  behind: Readonly<Record<SideName, Set<string>>>,
  plan: { readonly [name in keyof OutboxPlan]: Item[] },
  { now, repairAfterMs, isBusy }: PlanOptions,
): void {
  const { intent } = item;
  const { accountId } = intent.order;
  if (isFinal(intent)) return void plan.closes.push(item);
  const isFree = (work: Work): boolean => !isBusy(item, work);
  if (isUnanswered(intent)) {
    const isDue = intent.attempts > 0 || now.getTime() - intent.admittedAt.getTime() >= repairAfterMs;
    if (isFree('repair') && isDue && !behind[intent.answering].has(accountId)) plan.repairs.push(item);
    behind.legacy.add(accountId);
    behind.new.add(accountId);
    return;
  }
  if (intent.legacy === 'open') {
    if (isFree('legacy') && !behind.legacy.has(accountId)) plan.toLegacy.push(item);
    behind.legacy.add(accountId);
  }
  if (intent.new === 'open') {
    if (isFree('new') && !behind.new.has(accountId)) plan.toNew.push(item);
    else behind.new.add(accountId);
  }
  if (intent.new === 'sent' && isFree('check')) plan.toCheck.push(item);
}
