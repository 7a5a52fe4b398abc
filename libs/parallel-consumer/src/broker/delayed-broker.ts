import { pause, type Clock } from '@orders-pipeline/clock';
import {
  partitionName,
  type Broker,
  type BrokerHealth,
  type BrokerListener,
  type CommittedPosition,
  type ReadPosition,
  type ReadResult,
  type TopicPartition,
} from './broker.js';
import type { OutgoingRecord, Position } from '../records/record.js';
import { DelayedBatch } from './delayed-batch.js';

/** The fetch of a partition that was not handed out whole yet. */
interface PendingFetch {
  readonly batch: DelayedBatch;
  readonly logId: string;
}

/**
 * A broker whose reads of some topics return each record only after a delay. Everything else is that of the broker inside, and the
 * contract of `Broker` holds. In memory: at most one fetch of each delayed partition.
 */
export class DelayedBroker implements Broker {
  private readonly pending = new Map<string, PendingFetch>();
  /** By partition: aborts when this member does not own it any more. */
  private readonly owned = new Map<string, AbortController>();

  /** @param delays milliseconds by topic; a topic without any is not delayed */
  constructor(
    private readonly inner: Broker,
    private readonly delays: Pick<ReadonlyMap<string, number>, 'get'>,
    private readonly clock: Clock,
  ) {}

  get topics(): readonly string[] {
    return this.inner.topics;
  }

  get rebalanceTimeoutMs(): number | undefined {
    return this.inner.rebalanceTimeoutMs;
  }

  get health(): BrokerHealth {
    return this.inner.health;
  }

  get startsUntil(): number {
    return this.inner.startsUntil;
  }

  async partitionCount(topic: string): Promise<number> {
    return this.inner.partitionCount(topic);
  }

  async start(listener: BrokerListener): Promise<void> {
    return this.inner.start({
      assigned: (partitions, kept, generation) => {
        this.disown(kept ? partitions : []);
        listener.assigned(partitions, kept, generation);
      },
      rebalancing: async () => listener.rebalancing(),
      surrendering: async (partitions) => listener.surrendering(partitions),
      lost: (error) => listener.lost(error),
    });
  }

  async committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]> {
    return this.inner.committed(partitions);
  }

  async read(position: ReadPosition): Promise<ReadResult | undefined> {
    const delayMs = this.delays.get(position.topic);
    if (delayMs === undefined) return this.inner.read(position);
    const name = partitionName(position);
    const { signal } = this.ownershipOf(name);
    const batch = this.pendingAt(position) ?? (await this.fetch(position, delayMs, signal));
    if (!(batch instanceof DelayedBatch)) return batch;
    if (!(await this.isDue(batch, signal))) return undefined;
    const part = batch.take(this.clock.now());
    if (batch.isTaken) this.pending.delete(name);
    return part;
  }

  async commit(positions: readonly Position[]): Promise<void> {
    return this.inner.commit(positions);
  }

  async publish(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    return this.inner.publish(topic, records);
  }

  async stop(): Promise<void> {
    this.disown([]);
    return this.inner.stop();
  }

  /** @returns false as soon as this member does not own the partition any more */
  private async isDue(batch: DelayedBatch, signal: AbortSignal): Promise<boolean> {
    const { clock } = this;
    try {
      while (batch.dueAt > clock.now()) await pause(clock, batch.dueAt - clock.now(), signal);
      return !signal.aborted;
    } catch {
      // A pause ends early for this reason only.
      return false;
    }
  }

  private pendingAt(position: ReadPosition): DelayedBatch | undefined {
    const pending = this.pending.get(partitionName(position));
    return pending?.batch.nextOffset === position.offset && pending.logId === position.logId
      ? pending.batch
      : undefined;
  }

  private async fetch(
    position: ReadPosition,
    delayMs: number,
    signal: AbortSignal,
  ): Promise<DelayedBatch | ReadResult | undefined> {
    const name = partitionName(position);
    this.pending.delete(name);
    const answer = await this.inner.read(position);
    if (answer?.type !== 'records') return answer;
    if (signal.aborted) return undefined;
    const batch = new DelayedBatch(answer, this.clock.now(), delayMs);
    this.pending.set(name, { batch, logId: position.logId });
    return batch;
  }

  private ownershipOf(name: string): AbortController {
    const known = this.owned.get(name) ?? new AbortController();
    this.owned.set(name, known);
    return known;
  }

  private disown(kept: readonly TopicPartition[]): void {
    const names = new Set(kept.map(partitionName));
    for (const [name, ownership] of this.owned) {
      if (names.has(name)) continue;
      this.owned.delete(name);
      this.pending.delete(name);
      ownership.abort();
    }
  }
}
