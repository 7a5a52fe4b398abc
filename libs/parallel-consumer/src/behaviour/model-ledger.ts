import { DEAD_LETTER_HEADERS } from '../attempts/dead-letter.js';
import type { CommittedPosition } from '../broker/broker.js';
import { decodeCompletedOffsets } from '../commits/completed-offsets.js';
import type { ConsumedRecord } from '../records/record.js';
import type { Ordering } from '../window/ordering.js';
import type { FakeKafka } from '../testing/fake-kafka.js';

export type Committed = Omit<CommittedPosition, 'from' | 'logId'>;

/** Whether a commit marks an offset as completed, by its own offset or by its metadata. */
export function covers({ offset = 0, metadata }: Committed, record: number): boolean {
  const finished = decodeCompletedOffsets(metadata, offset)?.finished ?? [];
  return record < offset || finished.some(({ from, to }) => record >= from && record < to);
}

/**
 * Tracks the fate of every record, independently of the engine. A record is accounted for once a handler of any member resolved
 * for it, or once its dead letter is on the topic.
 */
export class ModelLedger {
  private readonly records: ConsumedRecord[][];
  private readonly accounted = new Set<string>();
  private lettersSeen = 0;
  /** Number of handler calls that resolved for a record that was already accounted for. */
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

  /** Returns the records that must be handled before this one. */
  before(record: ConsumedRecord): ConsumedRecord[] {
    const name = this.orderKey(record);
    if (name === undefined) return [];
    const inPartition = this.records[record.partition] ?? [];
    return inPartition.filter((each) => each.offset < record.offset && this.orderKey(each) === name);
  }

  /** Returns the records that a commit marks as completed although they are not. */
  passedOver(committed: Committed): ConsumedRecord[] {
    const inPartition = this.records[committed.partition] ?? [];
    return inPartition.filter((record) => covers(committed, record.offset) && !this.isAccounted(record));
  }

  private orderKey({ key }: ConsumedRecord): string | undefined {
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
