import type { HeartbeatPartition } from '#orders/consumer/consumers.js';
import { recordsBetween, type Positions } from '#orders/topics/topics.js';
import type { WatchedConsumer, WatchedSnapshot } from './consumer-watch.js';
import { isAlive } from './consumer-state.js';
import type { PipelineResponse, ReportedConsumer, ReportedPartition } from './pipeline-response.js';

/** A snapshot with running totals of produced and saved records. The starting point of the totals is arbitrary. */
interface CountedSnapshot extends WatchedSnapshot {
  readonly produced: number | null;
  readonly saved: number | null;
  /** How many orders each consumer has saved since its start, by id. */
  readonly savedBy: ReadonlyMap<string, number>;
}

/** Window of all rates, of the whole pipeline and of each consumer. A shorter one would show single batches, a longer one would hide the effect of a scaling. */
const WINDOW_MS = 5_000;
/** A consumer that is silent for this long is forgotten; it would then count as new. */
const FORGOTTEN_AFTER_MS = 3_600_000;

interface Count {
  readonly total: number;
  readonly seenAt: number;
}

/**
 * Keeps running totals over snapshots. Each consumer reports what it has saved since its start. The whole count of a new consumer is added,
 * and that of a consumer that has gone is kept, so that rates are correct across a scaling.
 */
export class CountedSnapshots {
  private snapshots: readonly CountedSnapshot[] = [];
  private readonly counts = new Map<string, Count>();
  private saved = 0;
  private hasBaseline = false;

  /** @returns the snapshots of the last five seconds, this one last */
  add(snapshot: WatchedSnapshot): readonly CountedSnapshot[] {
    const { at, ends, consumers } = snapshot;
    const produced = ends && [...ends.values()].reduce((sum, end) => sum + end, 0);
    const saved = consumers && this.count(consumers, at);
    const savedBy = new Map(consumers?.map((each) => [each._id, savedOf(each)]));
    this.snapshots = [
      ...this.snapshots.filter((each) => at - each.at <= WINDOW_MS),
      { ...snapshot, produced, saved, savedBy },
    ];
    return this.snapshots;
  }

  private count(consumers: readonly WatchedConsumer[], at: number): number {
    for (const consumer of consumers) {
      const total = savedOf(consumer);
      // In the first snapshot the starting point is unknown; later, a new consumer started between two snapshots.
      const before = this.counts.get(consumer._id)?.total ?? (this.hasBaseline ? 0 : total);
      this.saved += Math.max(0, total - before);
      this.counts.set(consumer._id, { total, seenAt: at });
    }
    this.hasBaseline = true;
    for (const [id, { seenAt }] of this.counts) if (at - seenAt > FORGOTTEN_AFTER_MS) this.counts.delete(id);
    return this.saved;
  }
}

function savedOf({ finished, deadLettered }: WatchedConsumer): number {
  return finished - deadLettered;
}

export type PipelineFigures = Omit<
  PipelineResponse,
  'at' | 'changes' | 'scaling' | 'scalingRequests' | 'configuredConsumers' | 'autoscaling' | 'scalingDemo'
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
): ReportedPartition[] {
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
        oldest: uncommittedOldest(owner, committedOffset),
        owner: owner?.id ?? null,
      };
    });
}

/** A heartbeat is up to a second older than the committed offsets: the record may be done since. */
function uncommittedOldest(
  owner: HeartbeatPartition | undefined,
  committedOffset: number | null,
): ReportedPartition['oldest'] {
  const oldest = owner?.oldest ?? null;
  return oldest === null || oldest.offset < (committedOffset ?? 0) ? null : oldest;
}

/** Returns `null` when all uncommitted records were written after the owner's last fetch: it does not know their age. */
function ownerLagSeconds(owner: HeartbeatPartition | undefined): number | null {
  return owner === undefined || owner.lagRecords === 0 ? null : owner.lagSeconds;
}

/**
 * Returns the largest known lag in seconds; `null` when a partition without an owner has lag. Records written after their owner's last
 * fetch are younger than the records that other consumers hold.
 */
function maxLagSeconds(partitions: ReportedPartition[]): number | null {
  const ages = partitions.flatMap(({ lagSeconds }) => lagSeconds ?? []);
  const isUnknown = partitions.some(({ lagSeconds, owner }) => lagSeconds === null && owner === null);
  return isUnknown || ages.length === 0 ? null : Math.max(...ages);
}

/** The figures of a consumer that sends no heartbeats. */
const SILENT = {
  partitions: null,
  ratePerSecond: null,
  inFlight: null,
  inFlightLimit: null,
  inFlightSet: null,
  rebalances: null,
  notReadyBecause: 'no heartbeat',
};

function toConsumer(consumer: WatchedConsumer, ratePerSecond: number | null): ReportedConsumer {
  const { _id: id, name, ageMs, inFlight, inFlightLimit, inFlightSet, rebalances, state, notReadyBecause } = consumer;
  const partitions = consumer.partitions.map(({ partition }) => partition).toSorted((a, b) => a - b);
  const figures = { partitions, ratePerSecond, inFlight, inFlightLimit, inFlightSet, rebalances, notReadyBecause };
  return { id, name, state, silentSeconds: Math.max(0, ageMs) / 1_000, ...(isAlive(consumer) ? figures : SILENT) };
}

/** Sorts `consumer-10` after `consumer-9`; consumers with the same name are sorted by id. */
function byName(a: { readonly name: string; readonly id: string }, b: typeof a): number {
  return a.name.localeCompare(b.name, 'en', { numeric: true }) || a.id.localeCompare(b.id);
}
