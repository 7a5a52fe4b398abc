import { decodeCompletedOffsets } from '../../../libs/parallel-consumer/src/commits/completed-offsets.js';

/** A partition's commit, as Kafka stores it. */
export interface Commit {
  /** -1 if nothing is committed. */
  readonly offset: number;
  readonly metadata: string;
}

/** The records that a group had committed at one moment, by the committed offsets and the completed offsets in their metadata. */
export class CommittedRecords {
  private readonly completed: ReadonlyMap<number, readonly { readonly from: number; readonly to: number }[]>;

  constructor(commits: ReadonlyMap<number, Commit>) {
    this.completed = new Map(
      [...commits].map(([partition, { offset, metadata }]) => [
        partition,
        [{ from: 0, to: offset }, ...(decodeCompletedOffsets(metadata, offset)?.finished ?? [])],
      ]),
    );
  }

  /** Whether the metadata of a commit lists completed offsets. */
  get hasMap(): boolean {
    return [...this.completed.values()].some(({ length }) => length > 1);
  }

  has({ partition, offset }: { readonly partition: number; readonly offset: number }): boolean {
    return (this.completed.get(partition) ?? []).some(({ from, to }) => from <= offset && offset < to);
  }
}
