import { Injectable } from '@nestjs/common';
import { type AcknowledgedChunk, storeChunks } from '#orders/operation/acknowledged-chunks.js';
import type { FaultCounts } from '#orders/generator/fault-mix.js';
import {
  type SegmentedDocument,
  isSegmented,
  type OperationDocument,
  operationsCollection,
  firstUnacked,
  type Segment,
} from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { isFree } from '#service/mongodb/lease.js';
import { type HeldLease, type LeasedPart, Leases } from '../background/operation-leases.js';

/** How long before its due time a segment can be claimed, in ms. A process should not hold a segment that it cannot publish yet. */
const AHEAD_MS = 1_000;
/** Maximum number of running operations searched for a free segment, oldest first. */
const MAX_SEARCHED = 20;

/** A segment that this process publishes. */
export type SegmentLease = HeldLease<SegmentedDocument, Segment>;

/** The operations that a process can publish beside those that it publishes. */
interface Claimable {
  /** The ids of those that it publishes. */
  readonly except: readonly string[];
  /** Whether it can publish one more that has a rate, or one more that has none. */
  readonly withRate: boolean;
  readonly withoutRate: boolean;
}

/** How far a segment is published. */
export interface SegmentProgress {
  readonly generatedTo: number;
  readonly ackedTo: number;
  readonly faults: FaultCounts;
}

/**
 * Shares the segments of operations among processes: each claims a segment, publishes it, and then claims the next.
 * Not guaranteed: a process that lost its lease may still have a chunk in flight to Kafka. That chunk is then on the topic twice, and
 * the consumers deduplicate it by order id.
 */
@Injectable()
export class SegmentLeases {
  constructor(
    private readonly mongo: Mongo,
    private readonly leases: Leases,
  ) {}

  /** Claims the first free segment of the oldest running operation that has one. */
  async claim({ except, withRate, withoutRate }: Claimable): Promise<SegmentLease | null> {
    if (!withRate && !withoutRate) return null;
    const now = this.mongo.time.now();
    const isRunning = { status: 'running', interruption: null } as const;
    const ratePerSecond = withRate ? { $ne: null } : null;
    const among = { _id: { $nin: except }, ...(!(withRate && withoutRate) && { ratePerSecond }) };
    const operations = await this.collection
      .find({ ...isRunning, ...among, segments: { $elemMatch: { isDone: false, ...isFree(now) } } })
      .sort({ _id: 1 })
      .limit(MAX_SEARCHED)
      .toArray();
    for (const operation of operations) {
      const segment = freeSegment(operation, now);
      const where = { isDone: false };
      const { _id } = operation;
      const claimed = segment && (await this.leases.claim(segmentFrom(segment.from), { _id, ...isRunning }, { where }));
      if (claimed) return claimed;
    }
    return null;
  }

  /** Sets the start time and the schedule at the first claim, and the schedule again at the first claim after a pause. */
  async begin(operation: SegmentedDocument): Promise<SegmentedDocument> {
    const { _id, startedAt, schedule } = operation;
    if (startedAt !== null && schedule) return operation;
    const now = this.mongo.time.now();
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
    return begun !== null && isSegmented(begun) ? begun : operation;
  }

  /** Stores the offsets of the new chunks, then the progress, and renews the lease. @throws LeaseLostError */
  async saveProgress(
    lease: SegmentLease,
    progress: SegmentProgress,
    chunks: readonly AcknowledgedChunk[],
  ): Promise<void> {
    await storeChunks(this.mongo.db, chunks);
    await lease.renew(inSegment(progress));
  }

  /**
   * Stores the progress and releases the lease.
   * @returns whether the operation has more to publish and no interruption is requested. @throws LeaseLostError
   */
  async release(
    lease: SegmentLease,
    progress: SegmentProgress,
    chunks: readonly AcknowledgedChunk[],
  ): Promise<{ readonly goesOn: boolean }> {
    await storeChunks(this.mongo.db, chunks);
    const { status, segments, interruption } = await lease.release({
      ...inSegment(progress),
      'segments.$.isDone': progress.ackedTo === lease.part.to,
      waitingFor: null,
    });
    return { goesOn: status === 'running' && !interruption && segments.some(({ isDone }) => !isDone) };
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}

/** The segment that begins at an index. */
function segmentFrom(from: number): LeasedPart<SegmentedDocument, Segment> {
  return {
    path: 'segments.$',
    match: (conditions) => ({ segments: { $elemMatch: { from, ...conditions } } }),
    find: (operation) => {
      const part = operation.segments.find((each) => each.from === from);
      return part && isSegmented(operation) ? { operation, part } : undefined;
    },
  };
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

function inSegment({ generatedTo, ackedTo, faults }: SegmentProgress): object {
  return { 'segments.$.generatedTo': generatedTo, 'segments.$.ackedTo': ackedTo, 'segments.$.faults': faults };
}
