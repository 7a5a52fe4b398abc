import { display } from '../checks/value-checks.js';
import type { OutgoingRecord } from '../records/record.js';

/** @throws TypeError for a record that can't be sent, RangeError for a partition that can't exist: a retry would not help */
export function requireSendable(records: readonly OutgoingRecord[]): void {
  for (const [index, { partition, key, value, headers }] of records.entries()) {
    if (!Number.isSafeInteger(partition) || partition < 0)
      throw new RangeError(`record ${index}: partition must be an integer of at least 0, got ${display(partition)}`);
    if (!isBytesOrNull(value)) throw wrong(index, 'value must be a Buffer or null', value);
    if (!isBytesOrNull(key) && typeof key !== 'string')
      throw wrong(index, 'key must be a Buffer, a string or null', key);
    if (typeof headers !== 'object') throw wrong(index, 'headers must be an object', headers);
  }
}

function isBytesOrNull(value: unknown): boolean {
  return value === null || value instanceof Uint8Array;
}

function wrong(index: number, what: string, value: unknown): TypeError {
  return new TypeError(`record ${index}: ${what}, got ${display(value)}`);
}
