/** When the consumer commits, and what it stores with a commit. */
export interface CommitOptions {
  /** Interval between commits, in ms. Default 200. */
  readonly commitIntervalMs?: number;
  /**
   * Whether a commit stores metadata: the id of the partition's log, and the completed offsets beyond the committed one (see
   * `completed-offsets.ts`). After a crash the consumer then skips those offsets, and it detects a topic that was recreated
   * while no consumer ran. Default true. False: plain commits without either.
   */
  readonly commitCompletedOffsets?: boolean;
}

export const COMMIT_DEFAULTS = { commitIntervalMs: 200, commitCompletedOffsets: true };

/** `CommitOptions` with the defaults applied. */
export type CommitSettings = Required<CommitOptions>;
