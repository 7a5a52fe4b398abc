import { isUtf8 } from 'node:buffer';
import { parseStrictJson, type JsonFault } from '#legacy/json/strict-json.js';
import type { LegacyCode } from '#legacy/row/legacy-fields.js';
import { legacyOrder, type LegacyReason } from '#legacy/row/legacy-order.js';
import type { LegacyOrder } from '#orders/order/order.js';
import { MAX_DEPTH, MAX_ROW_BYTES, type RawRow } from './row-splitter.js';

/** The stable code of the reason why a row was rejected. */
export type RowCode = LegacyCode | NonNullable<RawRow['fault']> | JsonFault['code'] | 'not-utf-8';

export interface RowReason extends Omit<LegacyReason, 'code'> {
  readonly code: RowCode;
}

const FAULTS = {
  'row-too-large': `is larger than ${MAX_ROW_BYTES / 1024} KiB; only its first bytes are shown`,
  'too-deep': `has more than ${MAX_DEPTH} levels of nested arrays and objects`,
};

/** Parses one element of a legacy file as an order. Parsing is strict: no value is guessed, rounded or dropped. */
export function parseRow({
  bytes,
  fault,
}: Pick<RawRow, 'bytes' | 'fault'>): { readonly order: LegacyOrder } | { readonly reason: RowReason } {
  if (fault !== undefined) return refused(fault, FAULTS[fault]);
  if (!isUtf8(bytes)) return refused('not-utf-8', 'contains bytes that are not UTF-8; save the file as UTF-8');
  const parsed = parseStrictJson(bytes.toString());
  return 'fault' in parsed ? { reason: parsed.fault } : legacyOrder(parsed.value);
}

function refused(code: RowCode, detail: string): { readonly reason: RowReason } {
  return { reason: { code, detail } };
}
