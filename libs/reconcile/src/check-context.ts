import type { Db } from 'mongodb';
import type { Findings } from './findings.js';
import type { MissingRecords } from './missing-records.js';
import type { GroupPositions } from './missing-reason.js';

/** What the check of one operation reads from, and where its findings go. */
export interface CheckContext {
  readonly db: Db;
  readonly positions: GroupPositions;
  readonly findings: Findings;
  readonly missing: MissingRecords;
  /** Aborts the check; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each block with the number of checked orders. */
  readonly onProgress?: ((done: number, acked: number) => void) | undefined;
}
