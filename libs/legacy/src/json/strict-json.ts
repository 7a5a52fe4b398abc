/** A JSON number in its original text form: parsing it as a float could lose digits or the notation. */
export class NumberText {
  constructor(readonly text: string) {}
}

/** Why a text is rejected as JSON. The codes are stable. */
export interface JsonFault {
  readonly code: 'not-json' | 'too-deep' | 'duplicate-key';
  /** The duplicate key. */
  readonly field?: string;
  readonly detail: string;
}

/** A reviver that gets the source text (ECMAScript 2026); Node's types do not declare it yet. */
type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseJson = JSON.parse as (text: string, reviver: SourceReviver) => unknown;

/** Matches whole strings, with a colon if the string is a key, and the braces between which keys must be unique. */
const KEYS_AND_BRACES = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g;

/** Parses JSON without losing anything: numbers become `NumberText`, and a duplicate key is a fault. */
export function parseStrictJson(text: string): { readonly value: unknown } | { readonly fault: JsonFault } {
  let value: unknown;
  try {
    value = parseJson(text, (_key, each, { source }) =>
      typeof each === 'number' ? new NumberText(source ?? '') : each,
    );
  } catch (error) {
    // The reviver visits nested values recursively.
    if (error instanceof RangeError) return { fault: { code: 'too-deep', detail: 'has too many levels of nesting' } };
    const detail = text.trim() === '' ? 'is empty' : (error as Error).message;
    return { fault: { code: 'not-json', detail } };
  }
  const duplicate = duplicateKey(text);
  if (duplicate === undefined) return { value };
  return { fault: { code: 'duplicate-key', field: duplicate.slice(0, 64), detail: 'is a duplicate key' } };
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

/**
 * Returns a parsed answer of the legacy system in the form of `legacyView`, so that equal orders are deeply equal: `12.50` and
 * `12.5` are the same number. A number that no float holds exactly, such as 2^53 + 1, stays as its text and equals no number.
 * @param value a parsed JSON value whose numbers are `NumberText`
 */
export function comparable(value: unknown): unknown {
  if (value instanceof NumberText) return exactNumber(value.text);
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, comparable(each)]));
}

function exactNumber(text: string): number | string {
  const number = Number(text);
  const plain = /^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, '') : text;
  return String(number) === plain ? number : text;
}
