import { pause } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { SoleLease } from '#service/mongodb/lease.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { inTrace } from '#service/telemetry/tracing.js';
import type { MigrationPorts, WorkerLease } from '../migration/migration-ports.js';
import type { SideName, WriteOutcome } from '../sides/side.js';
import { isFinal, isUnanswered, type Bucket, type Intent, type IntentUpdate } from './bucket-store.js';
import { PrimaryWrite, updateAfter } from './fenced-writes.js';

/**
 * How long a worker may be silent, in ms. Clients of all instances wait for the worker: reads of the target and writes of a hand-over get
 * 503 after 2 s, so that another one must have taken over by then.
 */
export const LEASE_MS = timeLimit(1_000);

/**
 * The lease in MongoDB: the collection `migrationLeases`. It saves work, and fences nothing: two workers at once do no harm, so a
 * process that lost its lease without noticing does none either.
 */
export function workerLease(mongo: Mongo, owner: string): WorkerLease {
  const lease = new SoleLease(mongo, { collection: 'migrationLeases', id: 'outbox', owner, durationMs: LEASE_MS });
  return { acquire: async () => (await lease.acquire()) !== null, release: async () => lease.release() };
}

/** An intent in its bucket. */
export interface Item {
  readonly bucket: number;
  readonly intent: Intent;
}

/** What the worker does with an intent: each goes on by itself while another one waits for a side that hangs. */
export type Work = 'repair' | 'legacy' | 'new' | 'check';

/** What the outbox worker can do now. */
interface OutboxPlan {
  /** Final on both sides. */
  readonly closes: readonly Item[];
  /** To be repeated on the primary, whose answer the client gets. */
  readonly repairs: readonly Item[];
  /** To be written to the target as the secondary, in this order. */
  readonly toTarget: readonly Item[];
  /** To be written to the legacy system as the secondary; at most one for each account. */
  readonly toLegacy: readonly Item[];
  /** To be looked up on the target. */
  readonly toCheck: readonly Item[];
}

interface PlanOptions {
  readonly now: Date;
  /** The instance that admitted an intent has this many ms to write it to the primary. */
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
  const plan = { closes: [], repairs: [], toTarget: [], toLegacy: [], toCheck: [] } as {
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
    if (isFree('new') && !behind.new.has(accountId)) plan.toTarget.push(item);
    else behind.new.add(accountId);
  }
  if (intent.new === 'sent' && isFree('check')) plan.toCheck.push(item);
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** A save takes up to a second: looking up all orders each round would load the query API for nothing. */
const CHECK_AGAIN_MS = 100;

/**
 * Writes admitted orders to the secondary, in both directions, and repeats what has no outcome until a side accepts or
 * refuses it. Several workers at once do no harm: ids make repeats harmless, and what is stored about intents are facts.
 */
export class Outbox {
  /** By `workKey`: an intent waits for the legacy system, and is looked up on the target meanwhile. */
  private readonly running = new Set<string>();
  private readonly failures = new Map<string, { readonly count: number; readonly until: number }>();
  /** When an order is looked up again on the target. */
  private readonly checks = new Map<string, number>();
  private calls = 0;
  private readonly primary: PrimaryWrite;

  constructor(
    private readonly ports: Pick<MigrationPorts, 'buckets' | 'sides' | 'zone' | 'reports' | 'clock' | 'limits'>,
  ) {
    this.primary = new PrimaryWrite(ports, ports.sides.outbox);
  }

  /** Starts what can be done now, and does not wait for the sides. @returns the number of open intents */
  async round(signal: AbortSignal): Promise<number> {
    const { buckets: store, clock, limits, reports } = this.ports;
    const buckets = await store.openBuckets();
    this.forgetClosed(buckets);
    const isBusy = (item: Item, work: Work): boolean => {
      const key = workKey(keyOf(item), work);
      return this.running.has(key) || (this.failures.get(key)?.until ?? 0) > clock.now();
    };
    const { repairAfterMs, batchSize, maxCalls } = limits.outbox;
    const plan = planOutbox(buckets, { now: store.now(), repairAfterMs, isBusy });
    await store.update(plan.closes.map((item) => ({ ...placeOf(item), close: true })));
    for (const { intent } of plan.closes)
      if (intent.legacy === 'stored' && intent.new === 'readable') reports.bothStored(intent);
    const start = (work: Work, items: readonly Item[], run: () => Promise<readonly IntentUpdate[]>): void => {
      if (items.length > 0 && this.calls < 4 * maxCalls) void this.run(work, items, run);
    };
    for (const item of plan.repairs.slice(0, maxCalls)) start('repair', [item], async () => this.repair(item, signal));
    for (const item of plan.toLegacy.slice(0, maxCalls))
      start('legacy', [item], async () => this.writeSecondary('legacy', [item], signal));
    const batch = plan.toTarget.slice(0, batchSize);
    start('new', batch, async () => this.writeSecondary('new', batch, signal));
    const checked = plan.toCheck.filter((item) => this.isDue(item)).slice(0, batchSize);
    start('check', checked, async () => this.check(checked, signal));
    return buckets.reduce((count, { open }) => count + open.length, 0);
  }

  private isDue(item: Item): boolean {
    return (this.checks.get(keyOf(item)) ?? 0) <= this.ports.clock.now();
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
      await this.ports.buckets.update(updates);
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
    this.failures.set(key, { count, until: this.ports.clock.now() + pauseMs });
  }

  private async repair({ bucket, intent }: Item, signal: AbortSignal): Promise<readonly IntentUpdate[]> {
    const outcome = await inTrace(intent.traceparent, async () => this.primary.run(intent, signal));
    return [updateAfter(bucket, intent, outcome)];
  }

  private async writeSecondary(
    side: SideName,
    items: readonly Item[],
    signal: AbortSignal,
  ): Promise<readonly IntentUpdate[]> {
    const began = this.ports.clock.now();
    const outcomes = await this.write(side, items, signal);
    const isFailed = outcomes.some(({ result }) => result === 'unknown');
    this.ports.reports.observed(side, this.ports.clock.now() - began, isFailed);
    const updates: IntentUpdate[] = [];
    for (const [at, item] of items.entries()) {
      const outcome = outcomes[at] ?? { result: 'unknown', message: 'the side returned no outcome' };
      updates.push(await this.updateOf(side, item, outcome));
    }
    return updates;
  }

  /** Writes each traced order in its own trace, and the others together. After an unknown outcome, nothing more is written. */
  private async write(side: SideName, items: readonly Item[], signal: AbortSignal): Promise<readonly WriteOutcome[]> {
    const outcomes: WriteOutcome[] = [];
    while (outcomes.length < items.length) {
      const left = items.slice(outcomes.length);
      const cause = left[0]?.intent.traceparent;
      const other = left.findIndex(({ intent }) => intent.traceparent !== cause);
      const orders = left.slice(0, other === -1 ? left.length : other).map(({ intent }) => intent.order);
      const written = await inTrace(cause, async () => this.ports.sides.outbox[side].write(orders, signal));
      outcomes.push(...written);
      if (written.length < orders.length) break;
      const unknown = outcomes.find(({ result }) => result === 'unknown');
      if (unknown !== undefined) outcomes.push(...items.slice(outcomes.length).map(() => unknown));
    }
    return outcomes;
  }

  private async updateOf(side: SideName, item: Item, outcome: WriteOutcome): Promise<IntentUpdate> {
    const place = placeOf(item);
    if (outcome.result === 'unknown') return { ...place, error: outcome.message };
    if (outcome.result === 'refused') {
      // First: a crash in between reports it twice, never not at all.
      await this.ports.reports.diverged(item.intent, side, outcome);
      // Reads of the target still wait for an order that only Kafka has yet.
      return side === 'legacy' && item.intent.new !== 'readable'
        ? { ...place, legacy: 'none' }
        : { ...place, close: true };
    }
    if (side === 'new') return { ...place, new: 'sent' };
    if (item.intent.new !== 'readable') return { ...place, legacy: 'stored' };
    this.ports.reports.bothStored(item.intent);
    return { ...place, close: true };
  }

  private async check(items: readonly Item[], signal: AbortSignal): Promise<readonly IntentUpdate[]> {
    const ids = items.map(({ intent }) => intent.order.id);
    const found = await this.ports.sides.outbox.new.areReadable(ids, signal);
    const updates: IntentUpdate[] = [];
    for (const [at, item] of items.entries()) {
      const place = placeOf(item);
      const { intent } = item;
      const isLegacyDone = intent.legacy !== 'open';
      if (found[at] === 'readable') {
        if (intent.legacy === 'stored') this.ports.reports.bothStored(intent);
        updates.push(isLegacyDone ? { ...place, close: true } : { ...place, new: 'readable' });
      } else if (found[at] === 'refused' && isLegacyDone) {
        const reason = {
          code: 'not-saved',
          message: 'Kafka has the order, but it could not be saved: see the dead letters',
        };
        await this.ports.reports.diverged(intent, 'new', reason);
        updates.push({ ...place, close: true });
      } else this.checks.set(keyOf(item), this.ports.clock.now() + CHECK_AGAIN_MS);
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

const BUSY_POLL_MS = 20;
const IDLE_POLL_MS = 100;
const STANDBY_POLL_MS = 250;
const RENEW_MS = 250;
const RETRY_MS = 1_000;

/** Runs the outbox in the one instance that holds the lease. */
export class OutboxWorker {
  private readonly stopping = new AbortController();
  private ended: Promise<void> = Promise.resolve();
  private heldAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly ports: Pick<MigrationPorts, 'lease' | 'clock' | 'logger'>,
    private readonly outbox: Pick<Outbox, 'round'>,
    /** What else the holder of the lease does, after each round. */
    private readonly alsoDo: () => Promise<void>,
  ) {}

  start(): void {
    this.ended = this.loop();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
    await this.ports.lease.release();
  }

  private async loop(): Promise<void> {
    while (!this.stopping.signal.aborted) await pause(this.ports.clock, await this.runOnce());
  }

  /** @returns how long to wait before the next round, in ms */
  private async runOnce(): Promise<number> {
    try {
      if (!(await this.holdsLease())) return STANDBY_POLL_MS;
      const open = await this.outbox.round(this.stopping.signal);
      await this.alsoDo();
      return open > 0 ? BUSY_POLL_MS : IDLE_POLL_MS;
    } catch (error) {
      this.ports.logger.warn({ reason: String(error) }, 'the outbox failed, retrying');
      return RETRY_MS;
    }
  }

  private async holdsLease(): Promise<boolean> {
    if (this.ports.clock.now() - this.heldAt < RENEW_MS) return true;
    const now = this.ports.clock.now();
    if (!(await this.ports.lease.acquire())) return false;
    this.heldAt = now;
    return true;
  }
}
