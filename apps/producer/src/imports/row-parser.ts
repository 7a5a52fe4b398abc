import { isUtf8 } from 'node:buffer';
import { NumberText, type LegacyCode } from '#orders/legacy/legacy-fields.js';
import { legacyOrder, type LegacyOrder, type LegacyReason } from '#orders/legacy/legacy-order.js';
import { MAX_DEPTH, MAX_ROW_BYTES, type RawRow } from './row-splitter.js';

/** The stable code of the reason why a row was rejected. */
export type RowCode = LegacyCode | NonNullable<RawRow['fault']> | 'not-utf-8' | 'not-json' | 'duplicate-key';

export interface RowReason extends Omit<LegacyReason, 'code'> {
  readonly code: RowCode;
}

/** A reviver that gets the source text (ECMAScript 2026); Node's types do not declare it yet. */
type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseJson = JSON.parse as (text: string, reviver: SourceReviver) => unknown;

/** Matches whole strings, with a colon if the string is a key, and the braces between which keys must be unique. */
const KEYS_AND_BRACES = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g;

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
  const text = bytes.toString();
  let value: unknown;
  try {
    value = parseJson(text, (_key, each, { source }) =>
      typeof each === 'number' ? new NumberText(source ?? '') : each,
    );
  } catch (error) {
    return refused('not-json', text.trim() === '' ? 'is empty' : (error as Error).message);
  }
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined)
    return { reason: { code: 'duplicate-key', field: duplicate.slice(0, 64), detail: 'is a duplicate key' } };
  return legacyOrder(value);
}

function refused(code: RowCode, detail: string): { readonly reason: RowReason } {
  return { reason: { code, detail } };
}

/**
 * Returns the first duplicate key of an object, even if both values are equal: `JSON.parse` would silently keep the last one.
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
