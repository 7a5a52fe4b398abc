import { pause, type Clock } from '@orders-pipeline/clock';
import { askedOrders } from '../sides/legacy-read.js';
import type { AwaitedIntents } from '../intents/awaited-intents.js';
import type { SideName } from '../sides/side.js';
import { SideAwayError } from '../sides/side-away-error.js';
import type { WholeAnswer } from '../sides/side-connection.js';
import type { ReadStages } from '../stages/read-stages.js';
import type { Capability } from '../stages/capability.js';
import type { Comparer } from './comparer.js';
import type { ComparisonBudget } from './comparison-budget.js';
import { ComparisonQueue, type ComparisonJob } from './comparison-queue.js';
import type { ComparisonOutcome, ComparisonWatch } from './comparison-watch.js';
import type { ComparisonSources } from './comparison-sources.js';
import type { AnswerPair, Difference } from './differences.js';
import type { IgnoreRules } from './ignore-rules.js';
import type { Mismatches } from './mismatches.js';
import type { Observations } from './observations.js';
import { recheck, type Verdict } from './recheck.js';

export interface ComparisonParts {
  readonly sources: ComparisonSources;
  readonly comparer: Comparer;
  readonly intents: AwaitedIntents;
  readonly stages: Pick<ReadStages, 'isCompared'>;
  readonly observations: Pick<Observations, 'record' | 'sample'>;
  readonly mismatches: Pick<Mismatches, 'store'>;
  /** Returns the rules that are in use. */
  readonly rules: () => IgnoreRules;
  readonly watch: ComparisonWatch;
  readonly clock: Clock;
  readonly budget: Pick<ComparisonBudget, 'take'>;
}

/** Few, so that comparisons do not wait for each other at the new side: the gate judges the durations that they measure. */
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

  constructor(private readonly parts: ComparisonParts) {
    parts.watch.gauge(() => this.queue.length);
  }

  /** Queues a comparison, or drops it. Never throws, never waits. */
  offer(job: ComparisonJob): void {
    const { budget, watch } = this.parts;
    // A failure was counted as such.
    if (this.stopping.signal.aborted || (job.answered?.answer.status ?? 200) >= 500 || !budget.take()) return;
    if (!this.queue.add(job, this.parts.clock.now())) return watch.dropped('queue-full');
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
    const { clock, watch } = this.parts;
    const job = this.queue.take(clock.now(), () => watch.dropped('overdue'));
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
    if (this.rechecks.size >= CONCURRENT_RECHECKS) return this.parts.watch.dropped('rechecks-full');
    // Its waits must not hold up other comparisons.
    const running = this.guarded(job, () => this.recheck(job, found)).finally(() => this.rechecks.delete(running));
    this.rechecks.add(running);
  }

  private async recheck(job: ComparisonJob, first: Compared): Promise<void> {
    const { stages } = this.parts;
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

  /** Compares the answers once, without what a rule ignores. @throws SideAwayError */
  private async compare(
    { capability, version, read }: ComparisonJob,
    answered: ComparisonJob['answered'],
  ): Promise<Compared> {
    const { sources, comparer, rules, clock } = this.parts;
    const { signal } = this.stopping;
    const ask = async <T>(side: SideName, request: () => Promise<T>): Promise<T> =>
      this.timed({ capability, version, side }, request);
    const given = (side: SideName) => (answered?.side === side ? answered.answer : undefined);
    const [legacy, other] = await Promise.all([
      given('legacy') ?? ask('legacy', async () => withoutFailure(await sources.askLegacy(read, signal))),
      given('new') ?? ask('new', async () => ({ bodies: await sources.askNew(read, signal) })),
    ]);
    const pair = { form: FORMS[read.capability], legacy, new: other };
    return { differences: rules().remaining(await comparer.compare(pair), clock.now()), pair };
  }

  private async timed<T>(
    of: { readonly capability: Capability; readonly version: number; readonly side: SideName },
    request: () => Promise<T>,
  ): Promise<T> {
    const began = performance.now();
    const record = (failed: boolean): void =>
      this.parts.observations.record({ ...of, ms: performance.now() - began, failed });
    try {
      const answer = await request();
      record(false);
      return answer;
    } catch (error) {
      // Without a request there is nothing to judge: while a breaker is open, its probes are what is counted.
      if (error instanceof SideAwayError && error.wasAsked) record(true);
      throw error;
    }
  }

  /** @throws the error of the last wait if intents are still open */
  private async untilFinal({ read }: ComparisonJob): Promise<void> {
    const { intents } = this.parts;
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
    const { mismatches, clock, watch } = this.parts;
    const { pair } = verdict === 'passed' ? first : last;
    const code = differences.find((difference) => difference.code !== undefined)?.code;
    const raw = { legacyRaw: textOf(pair.legacy), newRaw: textOf(pair.new) };
    const found = {
      capability,
      version,
      key,
      paths: differences,
      ...raw,
      recheck: verdict,
      ...(code !== undefined && { code }),
    };
    watch.found(found);
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (!(await mismatches.store(found, new Date(clock.now())))) watch.dropped('mismatches-full');
        return;
      } catch (error) {
        if (attempt === STORE_ATTEMPTS || this.stopping.signal.aborted) return watch.failed(error, capability);
        await pause(clock, STORE_PAUSE_MS * 2 ** attempt);
      }
    }
  }

  private end({ capability, version }: ComparisonJob, outcome: ComparisonOutcome): void {
    this.parts.watch.ended(capability, outcome);
    if (outcome === 'undecided' || outcome === 'unanswered') return;
    this.parts.observations.sample(capability, version, outcome !== 'differs');
  }

  private async guarded(job: ComparisonJob, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      if (error instanceof SideAwayError) this.end(job, 'unanswered');
      else {
        this.end(job, 'undecided');
        // Intents that stay open are no failure of the comparison, and have a metric of their own.
        if (!isStillOpen(error)) this.parts.watch.failed(error, job.capability);
      }
    }
  }
}

/** A 5xx is no answer that could be compared. @throws SideAwayError */
function withoutFailure(answer: WholeAnswer): WholeAnswer {
  if (answer.status < 500) return answer;
  throw new SideAwayError('legacy', 'bad-answer', `it responded with ${answer.status}`);
}

function isStillOpen(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'still-open';
}

function textOf(answer: AnswerPair['legacy'] | AnswerPair['new']): string {
  const bodies = 'bodies' in answer ? answer.bodies : [answer.bytes];
  return bodies.map((body) => new TextDecoder().decode(body)).join('\n');
}
