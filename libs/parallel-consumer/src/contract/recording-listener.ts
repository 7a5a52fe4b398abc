import {
  partitionName,
  type Broker,
  type BrokerListener,
  type FetchedBatch,
  type LogProblem,
  type ReadResult,
  type TopicPartition,
} from '../broker/broker.js';
import type { ConsumedRecord } from '../records/record.js';

/** A batch whose records are stored, so that they can be read repeatedly. */
export interface RecordedBatch extends Omit<FetchedBatch, 'records'> {
  readonly records: readonly ConsumedRecord[];
  /** The error that ended the records early; `undefined` when they were complete. */
  readonly error: unknown;
}

/** One callback or read answer of a broker. */
export type BrokerCall =
  | { readonly type: 'assigned'; readonly partitions: readonly number[]; readonly kept: boolean }
  | { readonly type: 'fetched'; readonly batch: RecordedBatch }
  | { readonly type: 'problem'; readonly partition: number; readonly problem: LogProblem }
  | { readonly type: 'rebalancing' }
  | { readonly type: 'surrendering'; readonly partitions: readonly number[] }
  | { readonly type: 'lost' | 'failed'; readonly error: unknown };

/** The behaviour of a listener. By default it reads each partition from the committed offset to the end. */
export interface Behaviour {
  rebalancing?(): Promise<void>;
  surrendering?(): Promise<void>;
  /** Whether to read the assigned partitions. Default: true. */
  readonly reads?: boolean;
  /** @returns the offset to read next; default: the one after the batch */
  readNext?(batch: RecordedBatch): number;
}

/** A listener that reads its partitions, records all calls and answers, and lets a spec wait for a condition. */
export class RecordingListener implements BrokerListener {
  readonly calls: BrokerCall[] = [];
  private readonly waiting = new Set<() => void>();
  private reading = new Set<string>();

  constructor(
    private readonly broker: Broker,
    private readonly behaviour: Behaviour = {},
  ) {}

  assigned(partitions: readonly TopicPartition[], kept: boolean): void {
    this.note({ type: 'assigned', partitions: partitions.map(({ partition }) => partition), kept });
    const added = partitions.filter((each) => !kept || !this.reading.has(partitionName(each)));
    this.reading = new Set(partitions.map(partitionName));
    if (this.behaviour.reads !== false) for (const each of added) this.readInBackground(each);
  }

  async rebalancing(): Promise<void> {
    this.note({ type: 'rebalancing' });
    await this.behaviour.rebalancing?.();
  }

  async surrendering(partitions: readonly TopicPartition[]): Promise<void> {
    this.note({ type: 'surrendering', partitions: partitions.map(({ partition }) => partition) });
    await this.behaviour.surrendering?.();
  }

  lost(error: unknown): void {
    this.reading.clear();
    this.note({ type: 'lost', error });
  }

  /** Resolves as soon as the condition is true; checks it after every call. */
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

  /** The partitions that it had to surrender last. */
  get surrendered(): readonly number[] {
    return this.calls.findLast((call) => call.type === 'surrendering')?.partitions ?? [];
  }

  get problems(): LogProblem[] {
    return this.calls.flatMap((call) => (call.type === 'problem' ? [call.problem] : []));
  }

  /** Returns the fetches of one partition. @param topic default: of each topic */
  fetches(partition: number, topic?: string): RecordedBatch[] {
    const batches = this.calls.flatMap((call) => (call.type === 'fetched' ? [call.batch] : []));
    return batches.filter((batch) => batch.partition === partition && batch.topic === (topic ?? batch.topic));
  }

  /** Returns the record values of one partition, in order of arrival. @param topic default: of each topic */
  values(partition: number, topic?: string): string[] {
    return this.fetches(partition, topic).flatMap(({ records }) => records.map(({ value }) => String(value)));
  }

  /** Returns the offset after the last one that the fetches of a partition covered, with or without records. */
  covered(partition: number): number {
    return Math.max(0, ...this.fetches(partition).map(({ lastOffset }) => lastOffset + 1));
  }

  private readInBackground(partition: TopicPartition): void {
    // Fails for example when the broker is stopped during the request of the committed offset.
    this.readAll(partition).catch((error: unknown) => this.note({ type: 'failed', error }));
  }

  private async readAll(partition: TopicPartition): Promise<void> {
    const [start] = await this.broker.committed([partition]);
    if (start === undefined) throw new Error('the broker returned no position for the partition');
    let { from: offset, leaderEpoch } = start;
    for (;;) {
      const answer = await this.broker.read({ ...partition, offset, logId: start.logId, leaderEpoch });
      if (answer === undefined) return;
      if (answer.type !== 'records')
        return this.note({ type: 'problem', partition: partition.partition, problem: answer });
      const batch = keep(answer);
      this.note({ type: 'fetched', batch });
      if (batch.error !== undefined) return;
      offset = this.behaviour.readNext?.(batch) ?? batch.lastOffset + 1;
      leaderEpoch = offset === batch.lastOffset + 1 ? (answer.epochs.at(-1)?.epoch ?? leaderEpoch) : undefined;
    }
  }

  private note(call: BrokerCall): void {
    this.calls.push(call);
    const woken = [...this.waiting];
    this.waiting.clear();
    for (const resume of woken) resume();
  }
}

function keep(answer: Extract<ReadResult, { type: 'records' }>): RecordedBatch {
  const records: ConsumedRecord[] = [];
  let error: unknown;
  try {
    for (let next = answer.records.next(); !next.done; next = answer.records.next()) records.push(next.value);
  } catch (thrown) {
    error = thrown;
  }
  return { ...answer, records, error };
}
