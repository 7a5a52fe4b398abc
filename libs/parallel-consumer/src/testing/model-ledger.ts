import { DEAD_LETTER_HEADERS } from '../attempts/dead-letter.js';
import type { CommittedPosition } from '../kafka/broker.js';
import { decodeCompletedOffsets } from '../offsets/completed-offsets.js';
import type { ConsumedRecord } from '../record.js';
import type { Ordering } from '../window/scheduler.js';
import type { FakeKafka } from './fake-kafka.js';

export type Committed = Omit<CommittedPosition, 'from' | 'logId'>;

/** Whether a commit, by its offset or by its map, says that this offset is done with. */
export function covers({ offset = 0, metadata }: Committed, of: number): boolean {
  const finished = decodeCompletedOffsets(metadata, offset)?.finished ?? [];
  return of < offset || finished.some(({ from, to }) => of >= from && of < to);
}

/**
 * What became of every record, kept outside of the engine. A record is accounted for once a handler resolved for it,
 * whoever ran it, or once its dead letter is on the topic.
 */
export class ModelLedger {
  private readonly records: ConsumedRecord[][];
  private readonly accounted = new Set<string>();
  private lettersSeen = 0;
  /** Handlers that resolved for a record that was accounted for already. */
  repeats = 0;

  constructor(
    private readonly kafka: FakeKafka,
    private readonly deadLetterTopic: string,
    private readonly ordering: Ordering,
    partitions: number,
  ) {
    this.records = Array.from({ length: partitions }, () => []);
  }

  appended(record: ConsumedRecord): void {
    this.records[record.partition]?.push(record);
  }

  handled({ partition, offset }: ConsumedRecord): void {
    const name = `${partition}-${offset}`;
    if (this.accounted.has(name)) this.repeats += 1;
    this.accounted.add(name);
  }

  isAccounted({ partition, offset }: ConsumedRecord): boolean {
    this.readLetters();
    return this.accounted.has(`${partition}-${offset}`);
  }

  unaccounted(): ConsumedRecord[] {
    return this.records.flat().filter((record) => !this.isAccounted(record));
  }

  /** Whether a partition has ever had a record. */
  isUsed(partition: number): boolean {
    return (this.records[partition]?.length ?? 0) > 0;
  }

  /** Records that must keep their order with this one and come before it. */
  before(record: ConsumedRecord): ConsumedRecord[] {
    const name = this.orderOf(record);
    if (name === undefined) return [];
    const ofPartition = this.records[record.partition] ?? [];
    return ofPartition.filter((each) => each.offset < record.offset && this.orderOf(each) === name);
  }

  /** Records that a commit, by its offset or its map, says are done with, though they are not. */
  passedOver(committed: Committed): ConsumedRecord[] {
    const ofPartition = this.records[committed.partition] ?? [];
    return ofPartition.filter((record) => covers(committed, record.offset) && !this.isAccounted(record));
  }

  private orderOf({ key }: ConsumedRecord): string | undefined {
    if (this.ordering === 'unordered') return undefined;
    return this.ordering === 'partition' ? '' : key?.toString();
  }

  private readLetters(): void {
    const letters = this.kafka.records(this.deadLetterTopic);
    if (letters.length === this.lettersSeen) return;
    this.lettersSeen = letters.length;
    for (const { headers } of letters) {
      const [partition, offset] = [headers[DEAD_LETTER_HEADERS.partition], headers[DEAD_LETTER_HEADERS.offset]];
      this.accounted.add(`${String(partition)}-${String(offset)}`);
    }
  }
}
