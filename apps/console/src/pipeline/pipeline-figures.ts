import { GONE_AFTER_MS, type HeartbeatPartition } from '#orders/consumer/consumer-heartbeat.js';
import { recordsBetween, type Positions } from '#orders/topics/positions.js';
import type { PipelineSnapshot, SeenConsumer } from './pipeline-snapshots.js';
import type { PipelineResponse } from './pipeline-response.js';

/** A snapshot with running totals of produced and saved records. The starting point of the totals is arbitrary. */
export interface CountedSnapshot extends PipelineSnapshot {
  readonly produced: number | null;
  readonly saved: number | null;
}

/** Computes the figures. @param snapshots those of the last seconds, oldest first */
export function pipelineFigures(
  snapshots: readonly CountedSnapshot[],
  changes: PipelineResponse['changes'],
): PipelineResponse {
  const last = snapshots.at(-1);
  if (last === undefined) throw new RangeError('snapshots must not be empty');
  const { ends, committed, consumers, deadLetters } = last;
  const lagRecords = ends && committed && recordsBetween(committed, ends);
  const savedPerSecond = rateOf(snapshots, 'saved');
  const partitions = ends && toPartitions(ends, committed, consumers);
  const alive = consumers?.filter(isAlive);
  return {
    producedPerSecond: rateOf(snapshots, 'produced'),
    savedPerSecond,
    inFlight: alive?.reduce((sum, { inFlight }) => sum + inFlight, 0) ?? null,
    lagRecords,
    lagSeconds: partitions && maxLagSeconds(partitions),
    secondsToDrain: secondsToDrain(lagRecords, savedPerSecond),
    deadLetters,
    partitions,
    consumers: consumers?.map(toConsumer).toSorted(byName) ?? null,
    changes,
  };
}

/** Returns whether the last heartbeat is recent. */
export function isAlive({ ageMs }: SeenConsumer): boolean {
  return ageMs <= GONE_AFTER_MS;
}

/** Rate between the oldest snapshot that knows the field and the newest; `null` when the newest does not know it. */
function rateOf(snapshots: readonly CountedSnapshot[], field: 'produced' | 'saved'): number | null {
  const last = snapshots.at(-1);
  const first = snapshots.find((snapshot) => snapshot[field] !== null);
  const [from, to] = [first?.[field] ?? null, last?.[field] ?? null];
  if (first === undefined || last === undefined || from === null || to === null || first === last) return null;
  return Math.max(0, to - from) / ((last.at - first.at) / 1_000);
}

function secondsToDrain(lagRecords: number | null, savedPerSecond: number | null): number | null {
  if (lagRecords === 0) return 0;
  if (lagRecords === null || savedPerSecond === null || savedPerSecond === 0) return null;
  return lagRecords / savedPerSecond;
}

function toPartitions(
  ends: Positions,
  committed: Positions | null,
  consumers: readonly SeenConsumer[] | null,
): NonNullable<PipelineResponse['partitions']> {
  const owners = new Map<number, HeartbeatPartition & { readonly id: string }>();
  for (const { _id: id, partitions } of consumers?.filter(isAlive) ?? [])
    for (const partition of partitions) owners.set(partition.partition, { ...partition, id });
  return [...ends]
    .toSorted(([a], [b]) => a - b)
    .map(([partition, endOffset]) => {
      const committedOffset = committed?.get(partition) ?? null;
      const lagRecords = committedOffset === null ? null : Math.max(0, endOffset - committedOffset);
      const owner = owners.get(partition);
      return {
        partition,
        endOffset,
        committedOffset,
        lagRecords,
        lagSeconds: lagRecords === 0 ? 0 : ownerLagSeconds(owner),
        owner: owner?.id ?? null,
      };
    });
}

/** Returns `null` when all uncommitted records were written after the owner's last fetch: it does not know their age. */
function ownerLagSeconds(owner: HeartbeatPartition | undefined): number | null {
  return owner === undefined || owner.lagRecords === 0 ? null : owner.lagSeconds;
}

/**
 * Returns the largest known lag in seconds; `null` when a partition without an owner has lag. Records written after their owner's last
 * fetch are younger than the records that other consumers hold.
 */
function maxLagSeconds(partitions: NonNullable<PipelineResponse['partitions']>): number | null {
  const ages = partitions.flatMap(({ lagSeconds }) => lagSeconds ?? []);
  const isUnknown = partitions.some(({ lagSeconds, owner }) => lagSeconds === null && owner === null);
  return isUnknown || ages.length === 0 ? null : Math.max(...ages);
}

function toConsumer(consumer: SeenConsumer): NonNullable<PipelineResponse['consumers']>[number] {
  const {
    _id: id,
    name,
    ageMs,
    partitions,
    ratePerSecond,
    inFlight,
    inFlightLimit,
    inFlightSet,
    rebalances,
  } = consumer;
  const silentSeconds = Math.max(0, ageMs) / 1_000;
  if (!isAlive(consumer))
    return {
      id,
      name,
      partitions: null,
      ratePerSecond: null,
      inFlight: null,
      inFlightLimit: null,
      inFlightSet: null,
      rebalances: null,
      notReadyBecause: 'no heartbeat',
      silentSeconds,
    };
  return {
    id,
    name,
    partitions: partitions.map(({ partition }) => partition).toSorted((a, b) => a - b),
    ratePerSecond,
    inFlight,
    inFlightLimit,
    inFlightSet,
    rebalances,
    notReadyBecause: consumer.notReadyBecause,
    silentSeconds,
  };
}

/** Sorts `consumer-10` after `consumer-9`; consumers with the same name are sorted by id. */
function byName(a: { readonly name: string; readonly id: string }, b: typeof a): number {
  return a.name.localeCompare(b.name, 'en', { numeric: true }) || a.id.localeCompare(b.id);
}
