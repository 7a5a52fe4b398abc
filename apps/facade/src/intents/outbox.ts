import type { Clock } from '@orders-pipeline/clock';
import type { SideName, WriteOutcome, WrittenSide } from '../sides/side.js';
import { updateAfter, type AnsweringWrite, type WriteObserver } from './answering-write.js';
import type { BucketStore, IntentUpdate } from './bucket-store.js';
import type { Bucket, Intent } from './intent.js';
import { keyOf, planOutbox, type Item, type Work } from './outbox-plan.js';

/** What the outbox reports about orders. */
export interface WriteReports extends WriteObserver {
  /** The side that follows refuses an order that the client has: a mismatch and an alert. */
  diverged(intent: Intent, side: SideName, reason: { readonly code: string; readonly message: string }): Promise<void>;
  /** Both sides have the order, and may be compared. */
  bothStored(intent: Intent): void;
}

export interface OutboxLimits {
  readonly repairAfterMs: number;
  /** Orders in one write to the new side. */
  readonly batchSize: number;
  /** Writes to each side at a time. */
  readonly maxCalls: number;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** A save takes up to a second: looking up all orders each round would load the query API for nothing. */
const CHECK_AGAIN_MS = 100;

/**
 * Writes admitted orders to the side that follows, in both directions, and repeats what has no outcome until a side accepts or
 * refuses it. Several workers at once do no harm: ids make repeats harmless, and what is stored about intents are facts.
 */
export class Outbox {
  /** By `workKey`: an intent waits for the legacy system, and is looked up on the new side meanwhile. */
  private readonly running = new Set<string>();
  private readonly failures = new Map<string, { readonly count: number; readonly until: number }>();
  /** When an order is looked up again on the new side. */
  private readonly checks = new Map<string, number>();
  private calls = 0;

  constructor(
    private readonly store: BucketStore,
    private readonly sides: Readonly<Record<SideName, WrittenSide>>,
    private readonly answering: AnsweringWrite,
    private readonly reports: WriteReports,
    private readonly clock: Clock,
    private readonly limits: OutboxLimits,
  ) {}

  /** Starts what can be done now, and does not wait for the sides. @returns the number of open intents */
  async round(signal: AbortSignal): Promise<number> {
    const buckets = await this.store.openBuckets();
    this.forgetClosed(buckets);
    const isBusy = (item: Item, work: Work): boolean => {
      const key = workKey(keyOf(item), work);
      return this.running.has(key) || (this.failures.get(key)?.until ?? 0) > this.clock.now();
    };
    const { repairAfterMs, batchSize, maxCalls } = this.limits;
    const plan = planOutbox(buckets, { now: this.store.now(), repairAfterMs, isBusy });
    await this.store.update(plan.closes.map((item) => ({ ...placeOf(item), close: true })));
    for (const { intent } of plan.closes)
      if (intent.legacy === 'stored' && intent.new === 'readable') this.reports.bothStored(intent);
    const start = (work: Work, items: readonly Item[], run: () => Promise<readonly IntentUpdate[]>): void => {
      if (items.length > 0 && this.calls < 4 * maxCalls) void this.run(work, items, run);
    };
    for (const item of plan.repairs.slice(0, maxCalls)) start('repair', [item], async () => this.repair(item, signal));
    for (const item of plan.toLegacy.slice(0, maxCalls))
      start('legacy', [item], async () => this.follow('legacy', [item], signal));
    const batch = plan.toNew.slice(0, batchSize);
    start('new', batch, async () => this.follow('new', batch, signal));
    const checked = plan.toCheck.filter((item) => this.isDue(item)).slice(0, batchSize);
    start('check', checked, async () => this.check(checked, signal));
    return buckets.reduce((count, { open }) => count + open.length, 0);
  }

  private isDue(item: Item): boolean {
    return (this.checks.get(keyOf(item)) ?? 0) <= this.clock.now();
  }

  /** Another worker may have closed what this one remembers. */
  private forgetClosed(buckets: readonly Bucket[]): void {
    if (this.failures.size + this.checks.size === 0) return;
    const open = new Set(buckets.flatMap(({ bucket, open: intents }) => intents.map(({ seq }) => `${bucket}:${seq}`)));
    for (const key of this.checks.keys()) if (!open.has(key)) this.checks.delete(key);
    for (const key of this.failures.keys()) if (!open.has(intentOf(key))) this.failures.delete(key);
  }

  private async run(work: Work, items: readonly Item[], run: () => Promise<readonly IntentUpdate[]>): Promise<void> {
    const keys = items.map((item) => workKey(keyOf(item), work));
    this.calls += 1;
    for (const key of keys) this.running.add(key);
    try {
      const updates = await run();
      await this.store.update(updates);
      for (const update of updates) {
        const key = workKey(`${update.bucket}:${update.seq}`, work);
        if ('error' in update) this.pause(key);
        else this.failures.delete(key);
      }
    } catch {
      // MongoDB or the side did not answer: what they may have done is done again, harmlessly.
      for (const key of keys) this.pause(key);
    } finally {
      this.calls -= 1;
      for (const key of keys) this.running.delete(key);
    }
  }

  private pause(key: string): void {
    const count = (this.failures.get(key)?.count ?? 0) + 1;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(count - 1, 10));
    this.failures.set(key, { count, until: this.clock.now() + pauseMs });
  }

  private async repair({ bucket, intent }: Item, signal: AbortSignal): Promise<readonly IntentUpdate[]> {
    return [updateAfter(bucket, intent, await this.answering.run(intent, signal))];
  }

  private async follow(side: SideName, items: readonly Item[], signal: AbortSignal): Promise<readonly IntentUpdate[]> {
    const began = this.clock.now();
    const outcomes = await this.sides[side].write(
      items.map(({ intent }) => intent.order),
      signal,
    );
    const isFailed = outcomes.some(({ result }) => result === 'unknown');
    this.reports.observed(side, this.clock.now() - began, isFailed);
    const updates: IntentUpdate[] = [];
    for (const [at, item] of items.entries()) {
      const outcome = outcomes[at] ?? { result: 'unknown', message: 'the side returned no outcome' };
      updates.push(await this.updateOf(side, item, outcome));
    }
    return updates;
  }

  private async updateOf(side: SideName, item: Item, outcome: WriteOutcome): Promise<IntentUpdate> {
    const place = placeOf(item);
    if (outcome.result === 'unknown') return { ...place, error: outcome.message };
    if (outcome.result === 'refused') {
      // First: a crash in between reports it twice, never not at all.
      await this.reports.diverged(item.intent, side, outcome);
      // Reads of the new side still wait for an order that only Kafka has yet.
      return side === 'legacy' && item.intent.new !== 'readable'
        ? { ...place, legacy: 'none' }
        : { ...place, close: true };
    }
    if (side === 'new') return { ...place, new: 'sent' };
    if (item.intent.new !== 'readable') return { ...place, legacy: 'stored' };
    this.reports.bothStored(item.intent);
    return { ...place, close: true };
  }

  private async check(items: readonly Item[], signal: AbortSignal): Promise<readonly IntentUpdate[]> {
    const ids = items.map(({ intent }) => intent.order.id);
    const found = await this.sides.new.areReadable(ids, signal);
    const updates: IntentUpdate[] = [];
    for (const [at, item] of items.entries()) {
      const place = placeOf(item);
      const { intent } = item;
      const isLegacyDone = intent.legacy !== 'open';
      if (found[at] === 'readable') {
        if (intent.legacy === 'stored') this.reports.bothStored(intent);
        updates.push(isLegacyDone ? { ...place, close: true } : { ...place, new: 'readable' });
      } else if (found[at] === 'refused' && isLegacyDone) {
        const reason = {
          code: 'not-saved',
          message: 'Kafka has the order, but it could not be saved: see the dead letters',
        };
        await this.reports.diverged(intent, 'new', reason);
        updates.push({ ...place, close: true });
      } else this.checks.set(keyOf(item), this.clock.now() + CHECK_AGAIN_MS);
    }
    return updates;
  }
}

function workKey(intent: string, work: Work): string {
  return `${intent} ${work}`;
}

function intentOf(key: string): string {
  return key.slice(0, key.indexOf(' '));
}

function placeOf({ bucket, intent }: Item): { readonly bucket: number; readonly seq: number } {
  return { bucket, seq: intent.seq };
}
