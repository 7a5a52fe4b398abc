import type { Logger } from 'pino';
import { pause, type Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import type { ComparisonOutcome, FacadeMetrics } from '../facade-metrics.js';
import type { MigrationState } from '../migration/migration-state.js';
import { type LegacyRead, SideUnavailableError, type SideName, askedOrders } from '../sides/side.js';
import { textOf, type WholeAnswer } from '../sides/side-connection.js';
import type { SidePair } from '../sides/sides.js';
import type { Capability } from '../stages/stages.js';
import { StillOpenError, type OpenIntents } from '../writes/open-intents.js';
import { isMissingOrder, type Difference, type AnswerPair } from './differences.js';
import type { ThreadedComparer } from './comparer.js';
import type { IgnoreRules } from './ignore-rules.js';
import type { FoundMismatch, Mismatches } from './mismatches.js';
import type { Observations } from './observations.js';

/**
 * Bounds the comparisons of an instance, so that they cost the same however many requests there are. The budget of at most one second
 * without requests is carried over.
 */
export class ComparisonBudget {
  private left: number;
  private at: number;

  /** @param perSecond the most comparisons; 0: none. @param now milliseconds */
  constructor(
    private readonly perSecond: number,
    private readonly now: () => number,
  ) {
    this.left = perSecond;
    this.at = now();
  }

  /** Returns whether there may be one more comparison now, and counts it. */
  take(): boolean {
    const now = this.now();
    this.left = Math.min(this.perSecond, this.left + ((now - this.at) / 1_000) * this.perSecond);
    this.at = now;
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}

/** A longer answer is not compared: verify compares whole systems in constant memory. */
export const MAX_COMPARED_BYTES = 4 * 1024 * 1024;

/** What is to be compared. */
export interface ComparisonJob {
  readonly capability: Capability;
  /** The version of the capability's state. */
  readonly version: number;
  /** What was asked for. */
  readonly key: string;
  readonly read: LegacyRead;
  /** The answer that a client got; without it, both sides are asked. */
  readonly answered?: { readonly side: SideName; readonly answer: WholeAnswer };
}

const MAX_QUEUED = 1_000;
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** The figures of the gate, and a rollback within 5 s, need comparisons of what is answered now. */
const MAX_WAIT_MS = timeLimit(1_000);

/** The comparisons that have not begun: bounded in number, in the bytes of their answers, and in how long they wait. */
export class ComparisonQueue {
  private readonly jobs: { readonly job: ComparisonJob; readonly since: number }[] = [];
  private bytes = 0;

  get length(): number {
    return this.jobs.length;
  }

  /** Returns whether there was room. @param now milliseconds */
  add(job: ComparisonJob, now: number): boolean {
    if (this.jobs.length >= MAX_QUEUED || this.bytes > MAX_QUEUED_BYTES) return false;
    this.jobs.push({ job, since: now });
    this.bytes += bytesOf(job);
    return true;
  }

  /** Removes the oldest that has waited for at most a second. @param onOverdue called for each that has waited longer, and is dropped */
  take(now: number, onOverdue: () => void): ComparisonJob | undefined {
    for (;;) {
      const oldest = this.jobs.shift();
      if (oldest === undefined) return undefined;
      this.bytes -= bytesOf(oldest.job);
      if (now - oldest.since <= MAX_WAIT_MS) return oldest.job;
      onOverdue();
    }
  }

  clear(): void {
    this.jobs.length = 0;
    this.bytes = 0;
  }
}

function bytesOf({ answered }: ComparisonJob): number {
  return answered?.answer.bytes.length ?? 0;
}

/** What became of a difference. */
type Verdict =
  /** The answers are equal now, and writes explain why they were not. */
  | { readonly verdict: 'equal' }
  /** It is still there, or the answers are equal now although no write can have changed them. */
  | { readonly verdict: 'differs' | 'passed'; readonly differences: readonly Difference[] }
  /** Writes go on, and in each reading other orders are missing on one side. */
  | { readonly verdict: 'undecided' };

/** How often both sides are asked again. */
const ROUNDS = 4;

/**
 * Asks again until a difference has gone, or has stayed. A difference stays if it is there twice in a row, at the same place and with the
 * same values: in a page to which orders are being added, others are missing each time.
 * @param first what the first comparison found
 * @param again waits for the open intents, asks both sides, and compares
 */
export async function recheck(
  first: readonly Difference[],
  again: () => Promise<readonly Difference[]>,
): Promise<Verdict> {
  let before = first;
  for (let round = 0; round < ROUNDS; round += 1) {
    const now = await again();
    if (now.length === 0) return gone(first);
    const known = new Set(before.map(identityOf));
    const stayed = now.filter((difference) => known.has(identityOf(difference)));
    if (stayed.length > 0) return { verdict: 'differs', differences: stayed };
    before = now;
  }
  const changing = before.filter((difference) => !isMissingOrder(difference));
  if (changing.length === 0) return { verdict: 'undecided' };
  return { verdict: 'differs', differences: changing.map(ofChangingAnswer) };
}

/** No order ever changes. Only a missing order can be explained by a write that was under way. */
function gone(first: readonly Difference[]): Verdict {
  const unexplained = first.filter((difference) => !isMissingOrder(difference));
  if (unexplained.length === 0) return { verdict: 'equal' };
  return { verdict: 'passed', differences: unexplained.map(ofChangingAnswer) };
}

/** Keeps a code that says more, such as `html`. */
function ofChangingAnswer(difference: Difference): Difference {
  return {
    code: 'changes-between-reads',
    detail: 'another value each time it is read, without a write',
    ...difference,
  };
}

function identityOf({ path, legacy, new: other, code }: Difference): string {
  return JSON.stringify([path, legacy, other, code]);
}

export interface ComparisonDependencies {
  /** Both sides, over connections for comparisons only. */
  readonly sides: Pick<SidePair, 'legacy' | 'new'>;
  readonly comparer: Pick<ThreadedComparer, 'compare'>;
  readonly intents: Pick<OpenIntents, 'untilReadable'>;
  readonly stages: Pick<MigrationState, 'isCompared'>;
  readonly observations: Pick<Observations, 'record' | 'sample'>;
  readonly mismatches: Pick<Mismatches, 'store'>;
  /** Returns the rules that are in use. */
  readonly rules: () => IgnoreRules;
  readonly metrics: Pick<FacadeMetrics, 'comparisonEnded' | 'comparisonDropped' | 'queuedComparisons'>;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  readonly clock: Clock;
  /** The most comparisons in a second; 0: none. */
  readonly perSecond: number;
}

/** Few, so that comparisons do not wait for each other at the target: the gate judges the durations that they measure. */
const CONCURRENCY = 4;
const CONCURRENT_RECHECKS = 32;
/** Waits of 2 s each for open intents. */
const WAITS = 5;
const STORE_ATTEMPTS = 4;
const STORE_PAUSE_MS = 1_000;

const FORMS = { 'read-by-id': 'order', 'read-by-page': 'page', 'read-by-range': 'range' } as const;

interface Compared {
  readonly differences: readonly Difference[];
  readonly pair: AnswerPair;
}

/**
 * Compares answers in the background. Nothing here delays an answer: offering one only queues it, and the queue drops what it has no room
 * for, and what has waited for more than a second. The sides are asked over connections of their own, with few requests at a time, a limit
 * for each second, and a circuit breaker.
 */
export class Comparisons {
  private readonly queue = new ComparisonQueue();
  private running = 0;
  private readonly rechecks = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly budget: ComparisonBudget;

  constructor(private readonly dependencies: ComparisonDependencies) {
    this.budget = new ComparisonBudget(dependencies.perSecond, () => performance.now());
    dependencies.metrics.queuedComparisons(() => this.queue.length);
  }

  /** Queues a comparison, or drops it. Never throws, never waits. */
  offer(job: ComparisonJob): void {
    const { clock, metrics } = this.dependencies;
    // A failure was counted as such.
    if (this.stopping.signal.aborted || (job.answered?.answer.status ?? 200) >= 500 || !this.budget.take()) return;
    if (!this.queue.add(job, clock.now())) return metrics.comparisonDropped('queue-full');
    // The answer goes out first.
    setImmediate(() => this.startNext());
  }

  /** Drops what is queued, and waits for what is running. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.queue.clear();
    await Promise.allSettled(this.rechecks);
  }

  private startNext(): void {
    if (this.running >= CONCURRENCY) return;
    const { clock, metrics } = this.dependencies;
    const job = this.queue.take(clock.now(), () => metrics.comparisonDropped('overdue'));
    if (job === undefined) return;
    this.running += 1;
    void this.guarded(job, () => this.first(job)).finally(() => {
      this.running -= 1;
      this.startNext();
    });
  }

  private async first(job: ComparisonJob): Promise<void> {
    const found = await this.compare(job, job.answered);
    if (found.differences.length === 0) return this.end(job, 'equal');
    if (this.rechecks.size >= CONCURRENT_RECHECKS) return this.dependencies.metrics.comparisonDropped('rechecks-full');
    // Its waits must not hold up other comparisons.
    const running = this.guarded(job, () => this.recheck(job, found)).finally(() => this.rechecks.delete(running));
    this.rechecks.add(running);
  }

  private async recheck(job: ComparisonJob, first: Compared): Promise<void> {
    const { stages } = this.dependencies;
    let last = first;
    const { verdict, ...found } = await recheck(first.differences, async () => {
      await this.untilFinal(job);
      last = await this.compare(job, undefined);
      return last.differences;
    });
    if (!('differences' in found)) return this.end(job, verdict);
    // From the end of comparing on, an order may be on one side only.
    if (job.capability !== 'writes' && !stages.isCompared(job.capability, job.key)) return this.end(job, 'undecided');
    await this.store(job, { verdict, ...found } as Verdict & { readonly verdict: 'differs' | 'passed' }, first, last);
    this.end(job, verdict);
  }

  /** Compares the answers once, without what a rule ignores. @throws SideUnavailableError */
  private async compare(
    { capability, version, read }: ComparisonJob,
    answered: ComparisonJob['answered'],
  ): Promise<Compared> {
    const { comparer, rules, clock } = this.dependencies;
    const ask = async <T>(side: SideName, request: () => Promise<T>): Promise<T> =>
      this.timed({ capability, version, side }, request);
    const given = (side: SideName) => (answered?.side === side ? answered.answer : undefined);
    const [legacy, other] = await Promise.all([
      given('legacy') ?? ask('legacy', async () => this.askLegacy(read)),
      given('new') ?? ask('new', async () => ({ bodies: await this.askTarget(read) })),
    ]);
    const pair = { form: FORMS[read.capability], legacy, new: other };
    return { differences: rules().remaining(await comparer.compare(pair), clock.now()), pair };
  }

  /** A 5xx is no answer that could be compared. @throws SideUnavailableError */
  private async askLegacy(read: LegacyRead): Promise<WholeAnswer> {
    const answer = await this.dependencies.sides.legacy.read(read, MAX_COMPARED_BYTES, this.stopping.signal);
    if (answer.status < 500) return answer;
    throw new SideUnavailableError('legacy', 'bad-answer', `it responded with ${answer.status}`);
  }

  /** @returns the bodies of the query API: see `TargetReads.bodies`. @throws SideUnavailableError */
  private async askTarget(read: LegacyRead): Promise<readonly Uint8Array<ArrayBuffer>[]> {
    const bodies: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    for await (const body of this.dependencies.sides.new.reads.bodies(read, this.stopping.signal)) {
      bodies.push(body);
      length += body.length;
      // The query API names fields that the legacy system does not have, and so needs more bytes for the same orders.
      if (length > 2 * MAX_COMPARED_BYTES)
        throw new SideUnavailableError('new', 'bad-answer', `more than ${2 * MAX_COMPARED_BYTES} bytes`);
    }
    return bodies;
  }

  private async timed<T>(
    of: { readonly capability: Capability; readonly version: number; readonly side: SideName },
    request: () => Promise<T>,
  ): Promise<T> {
    const began = performance.now();
    const record = (failed: boolean): void =>
      this.dependencies.observations.record({ ...of, ms: performance.now() - began, failed });
    try {
      const answer = await request();
      record(false);
      return answer;
    } catch (error) {
      // Without a request there is nothing to judge: while a breaker is open, its probes are what is counted.
      if (error instanceof SideUnavailableError && error.wasAsked) record(true);
      throw error;
    }
  }

  /** @throws the error of the last wait if intents are still open */
  private async untilFinal({ read }: ComparisonJob): Promise<void> {
    const { intents } = this.dependencies;
    const asked = askedOrders(read);
    const { signal } = this.stopping;
    for (let wait = 1; ; wait += 1) {
      try {
        await Promise.all([
          intents.untilReadable('legacy', asked, signal),
          intents.untilReadable('new', asked, signal),
        ]);
        return;
      } catch (error) {
        if (wait === WAITS || signal.aborted) throw error;
      }
    }
  }

  private async store(
    { capability, version, key }: ComparisonJob,
    { verdict, differences }: { readonly verdict: 'differs' | 'passed'; readonly differences: readonly Difference[] },
    first: Compared,
    last: Compared,
  ): Promise<void> {
    const { mismatches, clock, metrics, logger } = this.dependencies;
    const { pair } = verdict === 'passed' ? first : last;
    const code = differences.find((difference) => difference.code !== undefined)?.code;
    const found: FoundMismatch = {
      capability,
      version,
      key,
      paths: differences,
      legacyRaw: rawOf(pair.legacy),
      newRaw: rawOf(pair.new),
      recheck: verdict,
      ...(code !== undefined && { code }),
    };
    // The values stay in MongoDB, because they are business data.
    const paths = differences.map(({ path }) => path);
    logger.warn({ capability, version, key, code, recheck: verdict, paths }, 'mismatch found');
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (!(await mismatches.store(found))) metrics.comparisonDropped('mismatches-full');
        return;
      } catch (error) {
        if (attempt === STORE_ATTEMPTS || this.stopping.signal.aborted) return this.failed(error, capability);
        await pause(clock, STORE_PAUSE_MS * 2 ** attempt);
      }
    }
  }

  private end({ capability, version }: ComparisonJob, outcome: ComparisonOutcome): void {
    this.dependencies.metrics.comparisonEnded(capability, outcome);
    if (outcome === 'undecided' || outcome === 'unanswered') return;
    this.dependencies.observations.sample(capability, version, outcome !== 'differs');
  }

  private async guarded(job: ComparisonJob, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      if (error instanceof SideUnavailableError) this.end(job, 'unanswered');
      else {
        this.end(job, 'undecided');
        // Intents that stay open are no failure of the comparison, and have a metric of their own.
        if (!(error instanceof StillOpenError)) this.failed(error, job.capability);
      }
    }
  }

  /** An error of the facade itself, or of MongoDB. */
  private failed(error: unknown, capability: Capability): void {
    this.dependencies.logger.error({ err: error, capability }, 'comparison failed');
  }
}

function rawOf(answer: AnswerPair['legacy'] | AnswerPair['new']): string {
  const bodies = 'bodies' in answer ? answer.bodies : [answer.bytes];
  return bodies.map((bytes) => textOf({ bytes })).join('\n');
}
