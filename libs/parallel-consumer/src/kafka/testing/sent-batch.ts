import * as layout from '../../records/batch-layout.js';
import { FetchedRecords } from '../../records/fetched-records.js';

/** Reads a batch as it was sent. */
export function sentBatch(bytes: Buffer): { readonly values: string[]; readonly firstSequence: number } {
  const fetched = { topic: '', partition: 0, fetchOffset: 0, bytes, abortedTransactions: [] };
  const values = [...new FetchedRecords(fetched)].map(({ value }) => String(value));
  return { values, firstSequence: bytes.readInt32BE(layout.FIRST_SEQUENCE_AT) };
}
