import type { LegacyRead } from '../sides/legacy-read.js';

/** The limits of the legacy system. */
const MAX_NUMBER = 1_000_000_000;
const MAX_PAGE = MAX_NUMBER / 1_000;
const SHOWN_CHARACTERS = 40;

/** A read, or the message with which the legacy system rejects its parameters. */
export type ParsedRead = { readonly read: LegacyRead } | { readonly rejected: string };

type Parameter = string | readonly string[] | undefined;

export function readById(id: string): ParsedRead {
  return { read: { capability: 'read-by-id', id } };
}

export function readByPage(text: Parameter): ParsedRead {
  const page = wholeNumber('page', text, MAX_PAGE);
  return typeof page === 'string' ? { rejected: page } : { read: { capability: 'read-by-page', page } };
}

export function readByRange(query: Readonly<Record<string, Parameter>>): ParsedRead {
  const start = wholeNumber('start', query['start'], MAX_NUMBER);
  if (typeof start === 'string') return { rejected: start };
  const end = wholeNumber('end', query['end'], MAX_NUMBER);
  if (typeof end === 'string') return { rejected: end };
  if (end < start) return { rejected: `end must not be below start, got ${end}` };
  return { read: { capability: 'read-by-range', start, end } };
}

/** Returns the number, or the legacy system's message. */
function wholeNumber(name: string, text: Parameter, largest: number): number | string {
  const value = typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= largest) return value;
  return `${name} must be an integer from 1 to ${largest}, got ${String(text).slice(0, SHOWN_CHARACTERS)}`;
}
