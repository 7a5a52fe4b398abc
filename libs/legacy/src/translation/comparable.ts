import { NumberText } from '../json/strict-json.js';

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
