import { Injectable } from '@nestjs/common';
import { storeChunks, type AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import type { FaultCounts } from '#orders/operation/fault-mix.js';
import {
  isEmitted,
  operationsCollection,
  type EmittedDocument,
  type Interruption,
  type OperationDocument,
} from '#orders/operation/operation.js';
import { firstUnacked, type Lease, type Segment } from '#orders/operation/segments.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { LeaseLostError, createLease } from '../background/lease.js';

/** How long before its due time a segment can be claimed, in ms. A process should not hold a segment that it cannot emit yet. */
const AHEAD_MS = 1_000;
/** Maximum number of running operations searched for a free segment, oldest first. */
const MAX_SEARCHED = 20;

/** A segment that this process holds. */
export interface Claim {
  readonly operation: EmittedDocument;
  readonly segment: Segment;
  readonly owner: string;
}

/** The progress of a segment's emission. */
export interface SegmentProgress {
  readonly generatedTo: number;
  readonly ackedTo: number;
  readonly faults: FaultCounts;
}

/**
 * Assigns segments to processes by leases. Several processes share the operations: each claims a segment, renews its lease while
 * emitting, and then claims the next. The segment's epoch rejects writes of a process that lost its lease.
 * Not guaranteed: such a process may still have a chunk in flight to Kafka. That chunk is then on the topic twice, and
 * the consumers deduplicate it by order id.
 */
@Injectable()
export class SegmentLeases {
  constructor(private readonly mongo: Mongo) {}

  /** Claims the first free segment of the oldest running operation that has one. */
  async claim(owner: string): Promise<Claim | null> {
    const now = this.mongo.time.now();
    const operations = await this.collection
      .find({ status: 'running', interruption: null, segments: { $elemMatch: { isDone: false, ...isFree(now) } } })
      .sort({ _id: 1 })
      .limit(MAX_SEARCHED)
      .toArray();
    for (const operation of operations.filter(isEmitted)) {
      const segment = freeSegment(operation, now);
      const claimed = segment && (await this.take(operation._id, segment, owner, now));
      if (claimed) return claimed;
    }
    return null;
  }

  private async take(id: string, { from }: Segment, owner: string, now: Date): Promise<Claim | null> {
    const operation = await this.collection.findOneAndUpdate(
      {
        _id: id,
        status: 'running',
        interruption: null,
        segments: { $elemMatch: { from, isDone: false, ...isFree(now) } },
      },
      // Reads the time again: the query may have taken a while, and a new lease must not be expired.
      { $set: { 'segments.$.lease': this.createLease({ owner }) }, $inc: { 'segments.$.epoch': 1 } },
      { returnDocument: 'after' },
    );
    if (operation === null || !isEmitted(operation)) return null;
    const begun = await this.begin(operation, now);
    const segment = begun.segments.find((each) => each.from === from);
    return segment === undefined ? null : { operation: begun, segment, owner };
  }

  /** Sets the start time and the schedule at the first claim, and the schedule again at the first claim after a pause. */
  private async begin(operation: EmittedDocument, now: Date): Promise<EmittedDocument> {
    const { _id, startedAt, schedule } = operation;
    if (startedAt !== null && schedule) return operation;
    const from = firstUnacked(operation.segments) ?? operation.count;
    const begun = await this.collection.findOneAndUpdate(
      { _id },
      [
        {
          $set: {
            startedAt: { $ifNull: ['$startedAt', now] },
            schedule: { $ifNull: ['$schedule', { at: now, from }] },
          },
        },
      ],
      { returnDocument: 'after' },
    );
    return begun !== null && isEmitted(begun) ? begun : operation;
  }

  /**
   * Stores the offsets of the new chunks, then the progress, and renews the lease.
   * @returns the requested interruption. @throws LeaseLostError
   */
  async saveProgress(
    claim: Claim,
    progress: SegmentProgress,
    chunks: readonly AcknowledgedChunk[],
  ): Promise<Interruption | null> {
    await storeChunks(this.mongo.db, chunks);
    return toInterruption(
      await this.update(claim, { ...inSegment(progress), 'segments.$.lease': this.createLease(claim) }),
    );
  }

  /** Renews the lease without progress. @returns the requested interruption. @throws LeaseLostError */
  async renew(claim: Claim): Promise<Interruption | null> {
    return toInterruption(await this.update(claim, { 'segments.$.lease': this.createLease(claim) }));
  }

  /** Stores what the operation waits for. @throws LeaseLostError */
  async waitFor(claim: Claim, waitingFor: OperationDocument['waitingFor']): Promise<void> {
    await this.update(claim, { waitingFor: waitingFor ?? null });
  }

  /**
   * Stores the progress and releases the lease, so that other processes can continue at once.
   * @returns whether the operation has more to emit and no interruption is requested. @throws LeaseLostError
   */
  async release(
    claim: Claim,
    progress: SegmentProgress,
    chunks: readonly AcknowledgedChunk[],
  ): Promise<{ readonly goesOn: boolean }> {
    await storeChunks(this.mongo.db, chunks);
    const { status, segments, interruption } = await this.update(claim, {
      ...inSegment(progress),
      'segments.$.isDone': progress.ackedTo === claim.segment.to,
      'segments.$.lease': null,
      waitingFor: null,
    });
    return { goesOn: status === 'running' && !interruption && segments.some(({ isDone }) => !isDone) };
  }

  /** Marks the operation as failed. Call it after the segment's progress is stored. @throws LeaseLostError */
  async fail(claim: Claim, error: { code: string; message: string }): Promise<void> {
    await this.update(claim, {
      error,
      status: 'failed',
      finishedAt: this.mongo.time.now(),
      interruption: null,
      waitingFor: null,
      'segments.$.lease': null,
    });
  }

  private async update({ operation, segment, owner }: Claim, change: object): Promise<OperationDocument> {
    const held = { from: segment.from, epoch: segment.epoch, 'lease.owner': owner };
    const found = await this.collection.findOneAndUpdate(
      // Also when another producer has marked the operation as failed: acknowledged progress must be stored.
      { _id: operation._id, status: { $in: ['running', 'failed'] }, segments: { $elemMatch: held } },
      { $set: change },
      { returnDocument: 'after' },
    );
    if (found === null)
      throw new LeaseLostError(`lost the lease of operation ${operation._id}, segment from order ${segment.from}`);
    return found;
  }

  private createLease({ owner }: Pick<Claim, 'owner'>): Lease {
    return createLease(owner, this.mongo.time.now());
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}

/** Matches a segment without a live lease. */
function isFree(now: Date) {
  return { $or: [{ lease: null }, { 'lease.expiresAt': { $lt: now } }] };
}

/**
 * Returns the first segment that can be claimed. With a rate, a segment is free only shortly before it is due: until then, the
 * holder of the previous segment can do it too. Until the schedule is known, only the first segment is free.
 */
export function freeSegment({ segments, schedule, ratePerSecond }: OperationDocument, now: Date): Segment | undefined {
  const segment = segments.find(
    ({ isDone, lease }) => !isDone && (lease === null || lease.expiresAt.getTime() < now.getTime()),
  );
  if (segment === undefined || ratePerSecond === null) return segment;
  if (!schedule) return segment === segments.find(({ isDone }) => !isDone) ? segment : undefined;
  const dueAt = schedule.at.getTime() + ((segment.ackedTo - schedule.from) / ratePerSecond) * 1_000;
  return dueAt <= now.getTime() + AHEAD_MS ? segment : undefined;
}

/** Returns the requested interruption. A failed operation counts as cancelled. */
function toInterruption({ status, interruption }: OperationDocument): Interruption | null {
  return status === 'failed' ? 'cancel' : (interruption ?? null);
}

function inSegment({ generatedTo, ackedTo, faults }: SegmentProgress): object {
  return { 'segments.$.generatedTo': generatedTo, 'segments.$.ackedTo': ackedTo, 'segments.$.faults': faults };
}
