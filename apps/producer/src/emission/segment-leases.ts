import { Injectable } from '@nestjs/common';
import { keepChunks, type AcknowledgedChunk } from '#orders/acknowledged-chunks.js';
import type { FaultCounts } from '#orders/fault-mix.js';
import {
  isEmitted,
  operationsCollection,
  type EmittedDocument,
  type Interruption,
  type OperationDocument,
} from '#orders/operation.js';
import { firstUnacked, type Lease, type Segment } from '#orders/segments.js';
import { Mongo } from '#service/mongo.js';
import { LeaseLostError, leaseOf } from '../background/lease.js';

/** How long before it is due a segment may be claimed: nobody should sit on what he can't emit yet. */
const AHEAD_MS = 1_000;
/** Running operations that are looked through for a free segment, oldest first. */
const LOOKED_THROUGH = 20;

/** A segment that this process holds. */
export interface Claim {
  readonly operation: EmittedDocument;
  readonly segment: Segment;
  readonly owner: string;
}

/** How far the emission of a segment is. */
export interface SegmentProgress {
  readonly generatedTo: number;
  readonly ackedTo: number;
  readonly faults: FaultCounts;
}

/**
 * Who emits which segment. Several processes share one operation, or several: each claims a segment, holds it by renewing its
 * lease, and goes on to the next. What a process that lost its lease still wants to store is refused by the segment's epoch.
 * Not guaranteed: that such a process has nothing on its way to Kafka any more. Its chunk is then there twice, and collapses
 * on the orders' ids.
 */
@Injectable()
export class SegmentLeases {
  constructor(private readonly mongo: Mongo) {}

  /** Takes the first free segment of the oldest running operation that has one. */
  async claim(owner: string): Promise<Claim | null> {
    const now = this.mongo.time.now();
    const operations = await this.collection
      .find({ status: 'running', interruption: null, segments: { $elemMatch: { isDone: false, ...isFree(now) } } })
      .sort({ _id: 1 })
      .limit(LOOKED_THROUGH)
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
      // The time anew: to find it may have taken a while, and a lease must not begin run out.
      { $set: { 'segments.$.lease': this.leaseOf({ owner }) }, $inc: { 'segments.$.epoch': 1 } },
      { returnDocument: 'after' },
    );
    if (operation === null || !isEmitted(operation)) return null;
    const begun = await this.begin(operation, now);
    const segment = begun.segments.find((each) => each.from === from);
    return segment === undefined ? null : { operation: begun, segment, owner };
  }

  /** The first claim of all, or after a pause, says when the emission began, and where its schedule does. */
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
   * Stores how far it is, and before that where the chunks stand that came since, and holds the lease on.
   * @returns what is wanted of the operation. @throws LeaseLostError
   */
  async saveProgress(
    claim: Claim,
    progress: SegmentProgress,
    chunks: readonly AcknowledgedChunk[],
  ): Promise<Interruption | null> {
    await keepChunks(this.mongo.db, chunks);
    return wanted(await this.update(claim, { ...inSegment(progress), 'segments.$.lease': this.leaseOf(claim) }));
  }

  /** Holds the lease on while there is no progress. @returns what is wanted of the operation. @throws LeaseLostError */
  async renew(claim: Claim): Promise<Interruption | null> {
    return wanted(await this.update(claim, { 'segments.$.lease': this.leaseOf(claim) }));
  }

  /** Tells what holds the operation up. @throws LeaseLostError */
  async waitFor(claim: Claim, waitingFor: OperationDocument['waitingFor']): Promise<void> {
    await this.update(claim, { waitingFor: waitingFor ?? null });
  }

  /**
   * Stores how far it came, and lets others go on with the rest of it at once.
   * @returns whether there is more to emit of the operation and nothing else is wanted of it. @throws LeaseLostError
   */
  async release(
    claim: Claim,
    progress: SegmentProgress,
    chunks: readonly AcknowledgedChunk[],
  ): Promise<{ readonly goesOn: boolean }> {
    await keepChunks(this.mongo.db, chunks);
    const { status, segments, interruption } = await this.update(claim, {
      ...inSegment(progress),
      'segments.$.isDone': progress.ackedTo === claim.segment.to,
      'segments.$.lease': null,
      waitingFor: null,
    });
    return { goesOn: status === 'running' && !interruption && segments.some(({ isDone }) => !isDone) };
  }

  /** Ends the operation as failed, once the segment's progress is stored. @throws LeaseLostError */
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
      // Of one that another producer has ended as failed, too: what was acknowledged counts.
      { _id: operation._id, status: { $in: ['running', 'failed'] }, segments: { $elemMatch: held } },
      { $set: change },
      { returnDocument: 'after' },
    );
    if (found === null)
      throw new LeaseLostError(`orders ${segment.from}.. of ${operation._id} are no longer emitted by this process`);
    return found;
  }

  private leaseOf({ owner }: Pick<Claim, 'owner'>): Lease {
    return leaseOf(owner, this.mongo.time.now());
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}

/** No living process has it. */
function isFree(now: Date) {
  return { $or: [{ lease: null }, { 'lease.expiresAt': { $lt: now } }] };
}

/**
 * By a schedule a segment is free only when it is about to be due: until then whoever has the one before can do it too. As long as the
 * schedule isn't known, only the first one is.
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

/** Of one that has failed nobody emits more. */
function wanted({ status, interruption }: OperationDocument): Interruption | null {
  return status === 'failed' ? 'cancel' : (interruption ?? null);
}

function inSegment({ generatedTo, ackedTo, faults }: SegmentProgress): object {
  return { 'segments.$.generatedTo': generatedTo, 'segments.$.ackedTo': ackedTo, 'segments.$.faults': faults };
}
