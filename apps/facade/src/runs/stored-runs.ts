import { randomUUID } from 'node:crypto';
import type { Collection, Db } from 'mongodb';
import { HttpStatus, Logger } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { pause, succeededWithin, type Clock } from '@orders-pipeline/clock';
import { requireIndexes } from '#service/mongodb/indexes.js';
import { isFree, leaseFrom } from '#service/mongodb/lease.js';
import { isDuplicateKey } from '#service/mongodb/mongo-errors.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { Problem } from '#service/http/problem.js';
import type { Lease } from '#orders/operation/operation.js';
import { timeLimit } from '#orders/time-limit.js';

/** The work that the facade does over all orders, one of each kind at a time. */
export type RunKind = 'verify' | 'backfill';

/** A verification or a backfill. Its progress is stored, so that any instance can continue it. */
export interface RunDocument<P = unknown, R extends string = string> {
  readonly _id: string;
  readonly kind: RunKind;
  readonly status: 'running' | 'ended' | 'cancelled';
  readonly progress: P;
  /** Set when it has ended. */
  readonly result: R | null;
  /** Why it can't go on at the moment. */
  readonly problem: string | null;
  /** Who has started it. */
  readonly by: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  /** The process that runs it. */
  readonly lease: Lease | null;
  /** Incremented by each claim: it fences the writes of earlier owners. */
  readonly epoch: number;
}

/** Something that a run has found, such as a difference. */
interface FindingDocument {
  readonly run: string;
  /** The first number of the interval in which it was found. */
  readonly from: number;
  readonly finding: unknown;
}

export function runsCollection(db: Db): Collection<RunDocument> {
  return db.collection<RunDocument>('migrationRuns');
}

/** Verifies the indexes of both collections. @throws MissingIndexError */
export async function requireRunIndexes(db: Db): Promise<void> {
  await requireIndexes(db, ['migrationRuns', 'migrationFindings']);
}

/** How many findings of a run are stored. All are counted. */
const MAX_STORED = 10_000;

/** What runs have found, in MongoDB. @typeParam F a finding */
class StoredFindings<F> {
  constructor(private readonly mongo: Mongo) {}

  /**
   * Stores the findings of an interval in place of earlier ones of it.
   * @param countedBefore how many findings the run has had in other intervals: only the first 10,000 are stored
   */
  async replace(run: string, from: number, findings: readonly F[], countedBefore: number): Promise<void> {
    await this.collection.deleteMany({ run, from });
    const kept = findings.slice(0, Math.max(0, MAX_STORED - countedBefore));
    if (kept.length > 0) await this.collection.insertMany(kept.map((finding) => ({ run, from, finding })));
  }

  /** Returns the findings of a run, by number, in pages. */
  async list(run: string, { skip, limit }: { readonly skip: number; readonly limit: number }): Promise<F[]> {
    const found = this.collection.find({ run }, { sort: { from: 1, _id: 1 } });
    return (await found.skip(skip).limit(limit).toArray()).map(({ finding }) => finding as F);
  }

  private get collection() {
    return this.mongo.db.collection<FindingDocument>('migrationFindings');
  }
}

/** Other processes can claim a run whose process has been silent for this time, in ms. */
const LEASE_MS = timeLimit(10_000);

/** Another process has claimed the run, or it has ended. */
class RunLostError extends Error {
  override readonly name = 'RunLostError';
  readonly code = 'run-lost';
}

/** The runs of one kind, in MongoDB, and what they have found. @typeParam P the progress @typeParam R the results @typeParam F a finding */
export class StoredRuns<P, R extends string, F = unknown> {
  readonly findings: StoredFindings<F>;
  private readonly owner = randomUUID();

  constructor(
    private readonly mongo: Mongo,
    private readonly kind: RunKind,
  ) {
    this.findings = new StoredFindings(mongo);
  }

  /**
   * Stores a new run, which some instance claims.
   * @throws Problem 409 `run-under-way` if there is one that has not ended
   */
  async start(progress: P, by: string): Promise<RunDocument<P, R>> {
    const run: RunDocument<P, R> = {
      _id: uuidv7(),
      kind: this.kind,
      status: 'running',
      progress,
      result: null,
      problem: null,
      by,
      startedAt: this.mongo.time.now(),
      endedAt: null,
      lease: null,
      epoch: 0,
    };
    try {
      await this.runs.insertOne(run);
      return run;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      const { _id: id } = (await this.latest()) ?? { _id: 'unknown' };
      const detail = `Run ${id} of this kind is under way. Wait until it has ended.`;
      throw new Problem(HttpStatus.CONFLICT, 'run-under-way', detail, { id });
    }
  }

  /** Claims the run that has not ended, if no other process holds it. @returns `null` if there is none */
  async claim(): Promise<RunDocument<P, R> | null> {
    const claimed = await this.runs.findOneAndUpdate(
      { kind: this.kind, status: 'running', ...isFree(this.mongo.time.now()) },
      { $set: { lease: this.lease() }, $inc: { epoch: 1 } },
      { returnDocument: 'after' },
    );
    return this.typed(claimed);
  }

  /** Stores the progress, and renews the lease. @throws RunLostError */
  async save(run: RunDocument<P, R>, progress: P): Promise<void> {
    await this.update(run, { progress, problem: null, lease: this.lease() });
  }

  /** Renews the lease. @throws RunLostError */
  async renew(run: RunDocument<P, R>): Promise<void> {
    await this.update(run, { lease: this.lease() });
  }

  /** Releases a run that can't go on at the moment: any process continues it later. @throws RunLostError */
  async release(run: RunDocument<P, R>, problem: string | null): Promise<void> {
    await this.update(run, { problem, lease: null });
  }

  /** Ends a run. @throws RunLostError */
  async end(run: RunDocument<P, R>, progress: P, result: R): Promise<void> {
    const endedAt = this.mongo.time.now();
    await this.update(run, { progress, status: 'ended', result, problem: null, endedAt, lease: null });
  }

  /** Cancels a run that has not ended. The process that runs it stops at its next interval. @returns whether there was one */
  async cancel(id: string): Promise<boolean> {
    const change: Partial<RunDocument> = { status: 'cancelled', endedAt: this.mongo.time.now(), lease: null };
    const { matchedCount } = await this.runs.updateOne(
      { _id: id, kind: this.kind, status: 'running' },
      { $set: change },
    );
    return matchedCount > 0;
  }

  async find(id: string): Promise<RunDocument<P, R> | null> {
    return this.typed(await this.runs.findOne({ _id: id, kind: this.kind }));
  }

  /** Returns the run that was started last; `null` before the first. */
  async latest(): Promise<RunDocument<P, R> | null> {
    return this.typed(await this.runs.findOne({ kind: this.kind }, { sort: { startedAt: -1 } }));
  }

  /** Returns the run that was started last among those with one of these results. */
  async latestWith(results: readonly R[]): Promise<RunDocument<P, R> | null> {
    const filter = { kind: this.kind, result: { $in: results } };
    return this.typed(await this.runs.findOne(filter, { sort: { startedAt: -1 } }));
  }

  private async update({ _id, epoch }: RunDocument<P, R>, change: Partial<RunDocument>): Promise<void> {
    const filter = { _id, epoch, status: 'running', 'lease.owner': this.owner } as const;
    const { matchedCount } = await this.runs.updateOne(filter, { $set: change });
    if (matchedCount === 0) throw new RunLostError(`Another process has claimed run ${_id}, or it has ended.`);
  }

  /** The runs of a kind have its progress and results only. */
  private typed(run: RunDocument | null): RunDocument<P, R> | null {
    return run as RunDocument<P, R> | null;
  }

  private lease(): Lease {
    return leaseFrom(this.mongo.time.now(), this.owner, LEASE_MS);
  }

  private get runs() {
    return runsCollection(this.mongo.db);
  }
}

/** How often an instance looks for a run to claim, in ms. */
const POLL_MS = 500;
/** How long a run waits after a side did not answer, in ms. */
const RETRY_MS = 2_000;
/** How long a stop waits until the run has released its lease, in ms. */
const STOP_MS = timeLimit(4_000);
/** How often the lease of a run is renewed, in ms. */
const RENEW_MS = 3_000;

/** Continues a run of a kind until it has ended. @throws Error if a side does not answer, or the signal aborts */
export type RunWork<P, R extends string> = (
  run: RunDocument<P, R>,
  signal: AbortSignal,
) => Promise<{ readonly progress: P; readonly result: R }>;

/**
 * Claims the run of one kind and continues it until it has ended, also after a crash of the instance that began it. While a side does
 * not answer, the run waits and says why.
 */
export class RunJob<P = unknown, R extends string = string> {
  private readonly logger = new Logger(RunJob.name);
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly runs: StoredRuns<P, R>,
    private readonly work: RunWork<P, R>,
    private readonly clock: Clock,
    /** Verifies the indexes; repeated until MongoDB has them. */
    private readonly prepare: () => Promise<void>,
  ) {}

  start(): void {
    this.loop = this.poll();
  }

  /** Waits until the run has released its lease, for 4 s at most. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await succeededWithin(this.clock, STOP_MS, this.loop);
  }

  private async poll(): Promise<void> {
    const { signal } = this.stopping;
    let isPrepared = false;
    while (!signal.aborted) {
      const run: RunDocument<P, R> | null | undefined = await this.claim(isPrepared).catch((error: unknown) => {
        this.logger.warn({ reason: String(error) }, 'cannot claim a run, retrying');
        return undefined;
      });
      isPrepared ||= run !== undefined;
      const paused = run === null || run === undefined ? POLL_MS : await this.continue(run);
      if (paused > 0) await pause(this.clock, paused, signal).catch(() => undefined);
    }
  }

  private async claim(isPrepared: boolean): Promise<RunDocument<P, R> | null> {
    if (!isPrepared) await this.prepare();
    return this.runs.claim();
  }

  /** Continues a run. @returns how long to wait until the next claim, in ms */
  private async continue(run: RunDocument<P, R>): Promise<number> {
    const lost = new AbortController();
    const stopRenewal = this.keepRenewing(run, lost);
    const signal = AbortSignal.any([this.stopping.signal, lost.signal]);
    try {
      const { progress, result } = await this.work(run, signal);
      await this.runs.end(run, progress, result);
      this.logger.log({ run: run._id, result }, `${run.kind} has ended`);
      return 0;
    } catch (error) {
      if (error instanceof RunLostError || lost.signal.aborted) return POLL_MS;
      await this.interrupt(run, this.stopping.signal.aborted ? null : String(error));
      return RETRY_MS;
    } finally {
      stopRenewal();
    }
  }

  private async interrupt(run: RunDocument<P, R>, problem: string | null): Promise<void> {
    if (problem !== null) this.logger.warn({ run: run._id, reason: problem }, `${run.kind} is interrupted, retrying`);
    try {
      await this.runs.release(run, problem);
    } catch (error) {
      this.logger.warn({ run: run._id, reason: String(error) }, 'cannot release the run, its lease expires');
    }
  }

  private keepRenewing(run: RunDocument<P, R>, lost: AbortController): () => void {
    const renew = async (): Promise<void> => {
      try {
        await this.runs.renew(run);
      } catch (error) {
        if (error instanceof RunLostError) lost.abort();
        else this.logger.warn({ run: run._id, reason: String(error) }, 'cannot renew the lease of a run, retrying');
      }
    };
    const schedule = (): (() => void) =>
      this.clock.after(RENEW_MS, () => {
        void renew();
        cancel = schedule();
      });
    let cancel = schedule();
    return () => cancel();
  }
}
