import type { Broker, BrokerHealth, BrokerListener } from '../kafka/broker.js';
import type { OutgoingRecord } from '../attempts/dead-letter.js';
import type { ConsumedRecord, Position } from '../record.js';

const FETCH_SIZE = 100;

/**
 * A topic in memory with one member of its group, for specs: it fetches, commits and rebalances as the real one does, at
 * the moments that a spec chooses. What the engine may rely on is stated at `Broker`.
 */
export class FakeBroker implements Broker {
  readonly committed = new Map<number, number>();
  readonly published: OutgoingRecord[] = [];
  /** Makes the next calls of `commit` and `publish` fail. */
  failing: { commit?: Error; publish?: Error } = {};
  heartbeats = 0;
  private readonly logs: ConsumedRecord[][];
  private readonly positions = new Map<number, number>();
  private listener: BrokerListener | undefined;
  private owned: number[] = [];

  constructor(
    readonly topic: string,
    partitions: number,
  ) {
    this.logs = Array.from({ length: partitions }, () => []);
  }

  get health(): BrokerHealth {
    return { joined: this.listener !== undefined, lastContactAt: Number.POSITIVE_INFINITY };
  }

  /** Appends a record. @param offset leaves a gap before it, as compaction does */
  append(partition: number, key: string | null, value: string, offset?: number): void {
    const log = this.logs[partition] ?? [];
    log.push({
      topic: this.topic,
      partition,
      offset: offset ?? (log.at(-1)?.offset ?? -1) + 1,
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from(value),
      headers: {},
      timestamp: 0,
    });
  }

  async start(listener: BrokerListener): Promise<void> {
    this.listener = listener;
    this.assign(
      this.logs.map((_, partition) => partition),
      false,
    );
  }

  /** A rebalance as the group has it: the drain first, then the new assignment. */
  async rebalance(partitions: number[], kept = true): Promise<void> {
    await this.listener?.rebalancing();
    this.assign(partitions, kept);
  }

  /** One fetch of every assigned partition, handed to the engine one after another. */
  async fetch(): Promise<void> {
    for (const partition of this.owned) await this.fetchFrom(partition);
  }

  async commit(positions: readonly Position[]): Promise<void> {
    if (this.failing.commit) throw this.failing.commit;
    for (const { partition, offset } of positions) this.committed.set(partition, offset);
  }

  async publish(_topic: string, record: OutgoingRecord): Promise<void> {
    if (this.failing.publish) throw this.failing.publish;
    this.published.push(record);
  }

  async stop(): Promise<void> {
    this.listener = undefined;
  }

  private assign(partitions: number[], kept: boolean): void {
    this.owned = partitions;
    this.positions.clear();
    for (const partition of partitions) this.positions.set(partition, this.committed.get(partition) ?? 0);
    const wanted = partitions.map((partition) => ({ topic: this.topic, partition }));
    this.listener?.assigned(wanted, kept);
  }

  private async fetchFrom(partition: number): Promise<void> {
    const log = this.logs[partition] ?? [];
    const position = this.positions.get(partition) ?? 0;
    const records = log.filter(({ offset }) => offset >= position).slice(0, FETCH_SIZE);
    const last = records.at(-1);
    if (last === undefined) return;
    const left = await this.listener?.fetched({
      topic: this.topic,
      partition,
      records,
      lastOffset: last.offset,
      highWatermark: (log.at(-1)?.offset ?? -1) + 1,
      heartbeat: async () => {
        this.heartbeats += 1;
      },
    });
    this.positions.set(partition, left ?? last.offset + 1);
  }
}
