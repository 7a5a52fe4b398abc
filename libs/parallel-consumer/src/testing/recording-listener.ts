import type { BrokerListener, FetchedBatch, TopicPartition } from '../kafka/broker.js';
import type { ConsumedRecord } from '../record.js';

/** A batch whose records are kept, to be gone through again and again. */
export type KeptBatch = FetchedBatch & { readonly records: readonly ConsumedRecord[] };

/** One call that a broker made, in words of its own. */
export type BrokerCall =
  | { readonly type: 'assigned'; readonly partitions: readonly number[]; readonly kept: boolean }
  | { readonly type: 'fetched'; readonly batch: KeptBatch }
  | { readonly type: 'skipped'; readonly partition: number; readonly from: number; readonly to: number }
  | { readonly type: 'rebalancing' }
  | {
      readonly type: 'deleted';
      readonly partition: number;
      readonly committed: number | undefined;
      readonly earliest: number | undefined;
    }
  | { readonly type: 'lost'; readonly error: unknown };

/** What a listener answers; by default it takes everything, and goes on behind deleted records. */
export interface Answers {
  fetched?(batch: KeptBatch): Promise<number | undefined>;
  rebalancing?(): Promise<void>;
  deleted?(partition: number): boolean;
}

/** A listener that keeps all calls, and lets a spec wait for those it wants. */
export class RecordingListener implements BrokerListener {
  readonly calls: BrokerCall[] = [];
  private readonly waiting = new Set<() => void>();

  constructor(private readonly answers: Answers = {}) {}

  assigned(partitions: readonly TopicPartition[], kept: boolean): void {
    this.note({ type: 'assigned', partitions: partitions.map(({ partition }) => partition), kept });
  }

  async fetched(fetched: FetchedBatch): Promise<number | undefined> {
    const batch = { ...fetched, records: [...fetched.records] };
    this.note({ type: 'fetched', batch });
    return this.answers.fetched?.(batch);
  }

  skipped({ partition }: TopicPartition, from: number, to: number): void {
    this.note({ type: 'skipped', partition, from, to });
  }

  async rebalancing(): Promise<void> {
    this.note({ type: 'rebalancing' });
    await this.answers.rebalancing?.();
  }

  deleted({ partition }: TopicPartition, committed: number | undefined, earliest: number | undefined): boolean {
    this.note({ type: 'deleted', partition, committed, earliest });
    return this.answers.deleted?.(partition) ?? true;
  }

  lost(error: unknown): void {
    this.note({ type: 'lost', error });
  }

  /** Resolves once the calls so far satisfy the condition, at the latest at the call that makes them. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition())
      await new Promise<void>((resolve) => {
        this.waiting.add(resolve);
      });
  }

  /** The partitions of the last assignment; `undefined` before the first. */
  get assignment(): readonly number[] | undefined {
    return this.calls.findLast((call) => call.type === 'assigned')?.partitions;
  }

  /** The fetches of one partition that brought records. */
  fetches(partition: number): KeptBatch[] {
    return this.calls.flatMap((call) =>
      call.type === 'fetched' && call.batch.partition === partition ? [call.batch] : [],
    );
  }

  /** Values of the records of one partition, as they came. */
  values(partition: number): string[] {
    return this.fetches(partition).flatMap(({ records }) => records.map(({ value }) => String(value)));
  }

  /** One past the last offset of a partition that was covered, by records or without. */
  covered(partition: number): number {
    let to = 0;
    for (const call of this.calls) {
      if (call.type === 'fetched' && call.batch.partition === partition) to = Math.max(to, call.batch.lastOffset + 1);
      if (call.type === 'skipped' && call.partition === partition && call.from <= to) to = Math.max(to, call.to);
    }
    return to;
  }

  private note(call: BrokerCall): void {
    this.calls.push(call);
    const woken = [...this.waiting];
    this.waiting.clear();
    for (const resume of woken) resume();
  }
}
