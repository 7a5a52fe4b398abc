import { GONE_AFTER_MS, type HeartbeatPartition } from '#orders/consumer-heartbeat.js';
import { recordsBetween, type Positions } from '#orders/topic-positions.js';
import type { PipelineSnapshot, SeenConsumer } from './pipeline-snapshots.js';
import type { PipelineResponse } from './pipeline-response.js';

/** A look, and what was produced and saved until then, counted from any point on. */
export interface CountedSnapshot extends PipelineSnapshot {
  readonly produced: number | null;
  readonly saved: number | null;
}

/** @param looks the last one, and those of some seconds before it, oldest first */
export function pipelineFigures(
  looks: readonly CountedSnapshot[],
  changes: PipelineResponse['changes'],
): PipelineResponse {
  const last = looks.at(-1);
  if (last === undefined) throw new RangeError('nobody looked');
  const { ends, committed, consumers, deadLetters } = last;
  const lagRecords = ends && committed && recordsBetween(committed, ends);
  const savedPerSecond = rateOf(looks, 'saved');
  const partitions = ends && partitionsOf(ends, committed, consumers);
  const heard = consumers?.filter(isHeard);
  return {
    producedPerSecond: rateOf(looks, 'produced'),
    savedPerSecond,
    inFlight: heard?.reduce((sum, { inFlight }) => sum + inFlight, 0) ?? null,
    lagRecords,
    lagSeconds: partitions && oldestOf(partitions),
    secondsToDrain: toDrain(lagRecords, savedPerSecond),
    deadLetters,
    partitions,
    consumers: consumers?.map(consumerOf).toSorted(byName) ?? null,
    changes,
  };
}

export function isHeard({ ageMs }: SeenConsumer): boolean {
  return ageMs <= GONE_AFTER_MS;
}

/** Between the oldest and the newest look that know it; what isn't known now has no rate. */
function rateOf(looks: readonly CountedSnapshot[], field: 'produced' | 'saved'): number | null {
  const last = looks.at(-1);
  const first = looks.find((look) => look[field] !== null);
  const [from, to] = [first?.[field] ?? null, last?.[field] ?? null];
  if (first === undefined || last === undefined || from === null || to === null || first === last) return null;
  return Math.max(0, to - from) / ((last.at - first.at) / 1_000);
}

function toDrain(lagRecords: number | null, savedPerSecond: number | null): number | null {
  if (lagRecords === 0) return 0;
  if (lagRecords === null || savedPerSecond === null || savedPerSecond === 0) return null;
  return lagRecords / savedPerSecond;
}

function partitionsOf(
  ends: Positions,
  committed: Positions | null,
  consumers: readonly SeenConsumer[] | null,
): NonNullable<PipelineResponse['partitions']> {
  const owners = new Map<number, HeartbeatPartition & { readonly id: string }>();
  for (const { _id: id, partitions } of consumers?.filter(isHeard) ?? [])
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
        lagSeconds: lagRecords === 0 ? 0 : ageOf(owner),
        owner: owner?.id ?? null,
      };
    });
}

/** Its consumer knows of none where all that there is came after its last fetch. */
function ageOf(owner: HeartbeatPartition | undefined): number | null {
  return owner === undefined || owner.lagRecords === 0 ? null : owner.lagSeconds;
}

/** Unknown as soon as a partition without an owner is behind. What came after its owner's last fetch is younger than what others have in hand. */
function oldestOf(partitions: NonNullable<PipelineResponse['partitions']>): number | null {
  const ages = partitions.flatMap(({ lagSeconds }) => lagSeconds ?? []);
  const isUnknown = partitions.some(({ lagSeconds, owner }) => lagSeconds === null && owner === null);
  return isUnknown || ages.length === 0 ? null : Math.max(...ages);
}

function consumerOf(consumer: SeenConsumer): NonNullable<PipelineResponse['consumers']>[number] {
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
  if (!isHeard(consumer))
    return {
      id,
      name,
      partitions: null,
      ratePerSecond: null,
      inFlight: null,
      inFlightLimit: null,
      inFlightSet: null,
      rebalances: null,
      notReadyBecause: 'it is not heard of any more',
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

/** `consumer-10` after `consumer-9`. Of one name: always in the same order. */
function byName(a: { readonly name: string; readonly id: string }, b: typeof a): number {
  return a.name.localeCompare(b.name, 'en', { numeric: true }) || a.id.localeCompare(b.id);
}
