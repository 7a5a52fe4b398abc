import { randomUUID } from 'node:crypto';
import { HttpStatus } from '@nestjs/common';
import { MongoServerError } from 'mongodb';
import { v7 as uuidv7 } from 'uuid';
import { Problem } from '#service/http/problem.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { runsCollection, type RunDocument, type RunKind } from './run-document.js';
import { timeLimit } from '#orders/time-limit.js';

/** Other processes can claim a run whose process has been silent for this time, in ms. */
const LEASE_MS = timeLimit(10_000);
const DUPLICATE_KEY = 11_000;

/** Another process has claimed the run, or it has ended. */
export class RunLostError extends Error {
  override readonly name = 'RunLostError';
  readonly code = 'run-lost';
}

/** The runs of one kind, in MongoDB. @typeParam P the progress @typeParam R the results */
export class StoredRuns<P, R extends string> {
  private readonly owner = randomUUID();

  constructor(
    private readonly mongo: Mongo,
    private readonly kind: RunKind,
  ) {}

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
      if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
      const { _id: id } = (await this.latest()) ?? { _id: 'unknown' };
      const detail = `Run ${id} of this kind is under way. Wait until it has ended.`;
      throw new Problem(HttpStatus.CONFLICT, 'run-under-way', detail, { id });
    }
  }

  /** Claims the run that has not ended, if no other process holds it. @returns `null` if there is none */
  async claim(): Promise<RunDocument<P, R> | null> {
    const free = { 'lease.expiresAt': { $not: { $gte: this.mongo.time.now() } } };
    const claimed = await this.runs.findOneAndUpdate(
      { kind: this.kind, status: 'running', ...free },
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

  private lease(): RunDocument['lease'] {
    return { owner: this.owner, expiresAt: new Date(this.mongo.time.now().getTime() + LEASE_MS) };
  }

  private get runs() {
    return runsCollection(this.mongo.db);
  }
}
