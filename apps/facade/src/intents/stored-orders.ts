import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import type { SideName } from '../sides/side.js';
import type { LegacyRead } from '../sides/legacy-read.js';

/** Reads of a side, as the writes need them. */
export interface StoredOrders {
  /**
   * Returns the orders that a side has, as the legacy system shows them.
   * @throws Error if the side does not answer, or if its answer is no such order
   */
  find(
    side: SideName,
    read: Exclude<LegacyRead, { capability: 'read-by-page' }>,
    signal: AbortSignal,
  ): Promise<readonly LegacyRecord[]>;
}
