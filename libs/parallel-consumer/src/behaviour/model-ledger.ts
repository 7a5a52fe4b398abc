import { decodeCompletedOffsets } from '../commits/completed-offsets.js';
import type { CommittedOffset } from '../protocol/offset-requests.js';

/** A record that the model has appended. Its value is unique: after a truncation, other records get its offset. */
export interface ModelRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
  /** Leader epoch under which it was written. */
  readonly epoch: number;
}

/**
 * Returns which records a commit marks as completed, by its own offset or by its metadata. A record of a later epoch has replaced the one that the
 * commit means.
 */
export function coveredBy({
  offset: committed,
  metadata,
  leaderEpoch,
}: CommittedOffset): (record: Pick<ModelRecord, 'offset' | 'epoch'>) => boolean {
  if (committed < 0) return () => false;
  const { finished = [], epochs = [] } = decodeCompletedOffsets(metadata, committed) ?? {};
  return ({ offset, epoch }) => {
    if (offset < committed) return epoch <= Math.max(0, leaderEpoch);
    const listed = epochs.findLast((each) => each.offset <= offset)?.epoch;
    return listed === epoch && finished.some(({ from, to }) => offset >= from && offset < to);
  };
}

/**
 * Tracks the fate of every record, independently of the engine. A record is accounted for once an effect of any member has taken place for it, or once
 * its dead letter is on the topic.
 */
export class ModelLedger {
  private readonly records: ModelRecord[][];
  private readonly accounted = new Set<string>();
  /** Number of effects of records that were already accounted for. */
  repeats = 0;

  constructor(partitions: number) {
    this.records = Array.from({ length: partitions }, () => []);
  }

  appended(record: ModelRecord): void {
    this.records[record.partition]?.push(record);
  }

  /** The log has lost the records from an offset on. */
  truncated(partition: number, end: number): void {
    this.records[partition] = this.inPartition(partition).filter(({ offset }) => offset < end);
  }

  /** @param value of the record */
  handled(value: string): void {
    if (this.accounted.has(value)) this.repeats += 1;
    this.accounted.add(value);
  }

  deadLettered(value: string): void {
    this.accounted.add(value);
  }

  unaccounted(): ModelRecord[] {
    return this.records.flat().filter(({ value }) => !this.accounted.has(value));
  }

  /** Returns one past the offset of the last record before the first one that is unaccounted for. */
  accountedUntil(partition: number): number {
    const records = this.inPartition(partition);
    const open = records.findIndex(({ value }) => !this.accounted.has(value));
    const last = records.at(open === -1 ? -1 : open - 1);
    return open === 0 || last === undefined ? 0 : last.offset + 1;
  }

  /** Returns the values of the records below an offset that are accounted for. */
  accountedBelow(partition: number, offset: number): string[] {
    const below = this.inPartition(partition).filter((record) => record.offset < offset);
    return below.map(({ value }) => value).filter((value) => this.accounted.has(value));
  }

  inPartition(partition: number): readonly ModelRecord[] {
    return this.records[partition] ?? [];
  }

  /** Returns the records that a commit marks as completed although they are not. */
  passedOver(committed: CommittedOffset): ModelRecord[] {
    const isCovered = coveredBy(committed);
    return this.inPartition(committed.partition).filter(
      (record) => !this.accounted.has(record.value) && isCovered(record),
    );
  }
}
