import type { HeartbeatPartition } from '#orders/consumer/consumer-heartbeat.js';
import { recordsBetween, type Positions } from '#orders/topics/positions.js';
import { isAlive } from '../consumers/consumer-state.js';
import type { WatchedConsumer } from '../consumers/consumer-watch.js';
import type { CountedSnapshot } from './counted-snapshots.js';
import type { PipelineResponse } from './pipeline-response.js';

export type PipelineFigures = Omit<
  PipelineResponse,
  'at' | 'changes' | 'scaling' | 'scalingRequests' | 'configuredConsumers' | 'autoscaling'
>;

/**
 * Computes the figures.
 * @param snapshots those of the last seconds, oldest first
 * @param isDisturbed the save rate is that of a crash, not that of the pipeline
 */
export function pipelineFigures(snapshots: readonly CountedSnapshot[], isDisturbed = false): PipelineFigures {
  const last = snapshots.at(-1);
  if (last === undefined) throw new RangeError('snapshots must not be empty');
  const { ends, committed, consumers, deadLetters } = last;
  const lagRecords = ends && committed && recordsBetween(committed, ends);
  const savedPerSecond = rateOf(snapshots, 'saved');
  const partitions = ends && toPartitions(ends, committed, consumers);
  const alive = consumers?.filter((each) => isAlive(each));
  const isSteady = !isDisturbed && snapshots.every((each) => !isRebalancing(each) && hasBacklog(each));
  return {
    producedPerSecond: rateOf(snapshots, 'produced'),
    savedPerSecond,
    inFlight: alive?.reduce((sum, { inFlight }) => sum + inFlight, 0) ?? null,
    lagRecords,
    lagSeconds: partitions && maxLagSeconds(partitions),
    secondsToDrain: secondsToDrain(lagRecords, isSteady ? savedPerSecond : null),
    deadLetters,
    partitions,
    consumers: consumers?.map((each) => toConsumer(each, rateOfConsumer(snapshots, each))).toSorted(byName) ?? null,
  };
}

/** Whether records waited, as far as is known: a rate over seconds without any says nothing about how long a backlog takes. */
function hasBacklog({ ends, committed }: CountedSnapshot): boolean {
  return ends === null || committed === null || recordsBetween(committed, ends) > 0;
}

function isRebalancing({ consumers }: CountedSnapshot): boolean {
  return consumers?.some(({ state }) => state === 'rebalancing') ?? false;
}

/** Rate between the oldest snapshot that knows the field and the newest; `null` when the newest does not know it. */
function rateOf(snapshots: readonly CountedSnapshot[], field: 'produced' | 'saved'): number | null {
  const last = snapshots.at(-1);
  const first = snapshots.find((snapshot) => snapshot[field] !== null);
  const [from, to] = [first?.[field] ?? null, last?.[field] ?? null];
  if (first === undefined || last === undefined || from === null || to === null || first === last) return null;
  return Math.max(0, to - from) / ((last.at - first.at) / 1_000);
}

/** Rate between the same two snapshots as that of the pipeline. A consumer that the older one does not have started in between. */
function rateOfConsumer(snapshots: readonly CountedSnapshot[], { _id: id }: WatchedConsumer): number | null {
  const last = snapshots.at(-1);
  const first = snapshots.find(({ saved }) => saved !== null);
  if (first === undefined || last === undefined || first === last) return null;
  const saved = (last.savedBy.get(id) ?? 0) - (first.savedBy.get(id) ?? 0);
  return Math.max(0, saved) / ((last.at - first.at) / 1_000);
}

function secondsToDrain(lagRecords: number | null, savedPerSecond: number | null): number | null {
  if (lagRecords === 0) return 0;
  if (lagRecords === null || savedPerSecond === null || savedPerSecond === 0) return null;
  return lagRecords / savedPerSecond;
}

function toPartitions(
  ends: Positions,
  committed: Positions | null,
  consumers: readonly WatchedConsumer[] | null,
): NonNullable<PipelineResponse['partitions']> {
  const owners = new Map<number, HeartbeatPartition & { readonly id: string }>();
  for (const { _id: id, partitions } of consumers?.filter((each) => isAlive(each)) ?? [])
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

function toConsumer(
  consumer: WatchedConsumer,
  ratePerSecond: number | null,
): NonNullable<PipelineResponse['consumers']>[number] {
  const { _id: id, name, ageMs, partitions, inFlight, inFlightLimit, inFlightSet, rebalances, state } = consumer;
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
      state,
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
    state,
    notReadyBecause: consumer.notReadyBecause,
    silentSeconds,
  };
}

/** Sorts `consumer-10` after `consumer-9`; consumers with the same name are sorted by id. */
function byName(a: { readonly name: string; readonly id: string }, b: typeof a): number {
  return a.name.localeCompare(b.name, 'en', { numeric: true }) || a.id.localeCompare(b.id);
}
