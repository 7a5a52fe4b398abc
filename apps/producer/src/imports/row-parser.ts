import { isUtf8 } from 'node:buffer';
import { NumberText, type LegacyCode } from '#orders/legacy-fields.js';
import { legacyOrder, type LegacyOrder, type LegacyReason } from '#orders/legacy-order.js';
import { MAX_DEPTH, MAX_ROW_BYTES, type RawRow } from './row-splitter.js';

/** Why a row was set aside; stable. */
export type RowCode = LegacyCode | NonNullable<RawRow['fault']> | 'not-utf-8' | 'not-json' | 'duplicate-key';

export interface RowReason extends Omit<LegacyReason, 'code'> {
  readonly code: RowCode;
}

/** With its source text, which Node's own types don't know yet (ECMAScript 2026). */
type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseJson = JSON.parse as (text: string, reviver: SourceReviver) => unknown;

/** Whole strings with the colon that makes one a key, and the braces between which keys must be unique. */
const KEYS_AND_BRACES = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g;

const FAULTS = {
  'row-too-large': `has more than ${MAX_ROW_BYTES / 1024} KiB: its first bytes are shown`,
  'too-deep': `has more than ${MAX_DEPTH} arrays and objects in each other`,
};

/** Reads one element of a legacy file as an order: strictly, so that nothing is guessed, rounded or dropped. */
export function parseRow({
  bytes,
  fault,
}: Pick<RawRow, 'bytes' | 'fault'>): { readonly order: LegacyOrder } | { readonly reason: RowReason } {
  if (fault !== undefined) return refused(fault, FAULTS[fault]);
  if (!isUtf8(bytes)) return refused('not-utf-8', 'has bytes that are not UTF-8; save the file as UTF-8');
  const text = bytes.toString();
  let value: unknown;
  try {
    value = parseJson(text, (_key, each, { source }) =>
      typeof each === 'number' ? new NumberText(source ?? '') : each,
    );
  } catch (error) {
    return refused('not-json', text.trim() === '' ? 'nothing stands where a row should' : (error as Error).message);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined)
    return { reason: { code: 'duplicate-key', field: twice.slice(0, 64), detail: 'stands there twice' } };
  return legacyOrder(value);
}

function refused(code: RowCode, detail: string): { readonly reason: RowReason } {
  return { reason: { code, detail } };
}

/**
 * The first key that an object has twice, also with the same value: `JSON.parse` would keep the last one silently.
 * @param text valid JSON
 */
function duplicateKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, string, colon] of text.matchAll(KEYS_AND_BRACES)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (string !== undefined && colon !== undefined) {
      const key = JSON.parse(string) as string;
      if (open.at(-1)?.has(key)) return key;
      open.at(-1)?.add(key);
    }
  }
  return undefined;
}
