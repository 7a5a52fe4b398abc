import { z } from 'zod';
import { StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { invalidRequest, type FieldError } from './problem.js';

type Parameters = Record<string, unknown>;

/**
 * Parses a query string. `number[gte]=1` becomes `{ number: { gte: '1' } }`, one level deep. A repeated parameter becomes an
 * array, which no schema accepts. Every name is kept as it was sent, including `__proto__`: the well-known parsers drop such
 * names silently, and with a dropped filter the response would contain unrequested orders.
 *
 * Parts that can't be decoded are kept unchanged; check them first with `isWellEncoded`.
 */
export function parseQuery(query: string): Parameters {
  const parameters = noParameters();
  for (const pair of query.split('&').filter((part) => part !== '')) {
    const [name, value] = pairOf(pair).map(decode) as [string, string];
    const [, outer, inner] = /^([^[\]]+)\[([^[\]]+)\]$/.exec(name) ?? [];
    if (outer === undefined || inner === undefined) addParameter(parameters, name, value);
    else addInside(parameters, outer, inner, value);
  }
  return parameters;
}

/** Returns whether each part of a query string is percent-encoded UTF-8. */
export function isWellEncoded(query: string): boolean {
  return query.split(/[&=]/).every((part) => decoded(part) !== undefined);
}

function pairOf(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

function decode(part: string): string {
  return decoded(part) ?? part;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** Creates an object without a prototype, so that no name is special. */
function noParameters(): Parameters {
  return Object.create(null) as Parameters;
}

function addParameter(parameters: Parameters, name: string, value: unknown): void {
  const previous = parameters[name];
  if (!(name in parameters)) parameters[name] = value;
  else if (Array.isArray(previous)) previous.push(value);
  else parameters[name] = [previous, value];
}

function addInside(parameters: Parameters, name: string, inner: string, value: string): void {
  const previous = parameters[name];
  if (previous === undefined) parameters[name] = noParameters();
  else if (typeof previous !== 'object' || Array.isArray(previous)) return addParameter(parameters, name, value);
  addParameter(parameters[name] as Parameters, inner, value);
}

/** The kinds of values, as `expected` of an issue names them. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** Explains an issue whose schema has no text of its own: what is allowed, as a predicate of the field's name. */
function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type')
    return issue.input === undefined ? 'is required' : `must be ${KINDS[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value')
    return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small') return `must ${quantity('at least', issue.minimum, issue.origin)}`;
  if (issue.code === 'too_big') return `must ${quantity('at most', issue.maximum, issue.origin)}`;
  if (issue.code === 'unrecognized_keys') return `is unknown; allowed: ${namesIn(issue.inst).join(', ')}`;
  return undefined;
}

function quantity(limit: string, value: number | bigint, origin: string): string {
  const text = value.toLocaleString('en-US');
  if (origin === 'array') return `have ${limit} ${text} item${value === 1 ? '' : 's'}`;
  if (origin === 'string') return `have ${limit} ${text} character${value === 1 ? '' : 's'}`;
  return `be ${limit} ${text}`;
}

function namesIn(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Lets zod explain invalid input in the words of this API, in this process. A text in a schema has precedence. */
export function explainInput(): void {
  z.config({ customError: explain });
}

interface Limits {
  readonly minimum: number;
  readonly maximum: number;
}

/** Validates an integer in a JSON body. */
export function bodyInteger(minimum: number, maximum: number) {
  const error = `must be an integer ${between({ minimum, maximum })}`;
  return z.int(error).min(minimum, error).max(maximum, error);
}

/** Validates a number in a JSON body. */
export function bodyNumber(minimum: number, maximum: number) {
  const error = `must be a number ${between({ minimum, maximum })}`;
  return z.number(error).min(minimum, error).max(maximum, error);
}

/** Parses an integer in a query. Only digits are allowed, so `1e3`, `0x10`, `-0` and ` 1` are rejected. */
export function queryInteger(minimum: number, maximum: number) {
  return queryValue(/^\d{1,16}$/, { minimum, maximum }, { type: 'integer', text: 'an integer' });
}

/** Parses a number in a query, with up to three decimal places and without an exponent. */
export function queryNumber(minimum: number, maximum: number) {
  return queryValue(/^\d{1,16}(\.\d{1,3})?$/, { minimum, maximum }, { type: 'number', text: 'a number' });
}

/** Parses the number of items per page. */
export function pageSizeParameter(items: string, { maximum, byDefault }: { maximum: number; byDefault: number }) {
  const description = `${items} per page, 1 to ${maximum.toLocaleString('en-US')}. Default: ${byDefault}.`;
  // JSON Schema gets the default only from here: that of a transformed value is an output.
  return queryInteger(1, maximum).default(byDefault).meta({ default: byDefault, description });
}

/** Keeps a rejected value as a text. Checks of several fields then skip it, because they compare only numbers. */
function queryValue(form: RegExp, limits: Limits, { type, text }: { type: 'integer' | 'number'; text: string }) {
  const digitsOnly = type === 'integer' ? ', in digits only' : '';
  const rule = (shown: string): string => `must be ${text} ${shown}${digitsOnly}`;
  const isAllowed = (value: number): boolean => value >= limits.minimum && value <= limits.maximum;
  return z
    .string()
    .refine((given) => form.test(given) && isAllowed(Number(given)), {
      error: ({ input }) => rule(Number(input) > limits.maximum ? fromTo(limits) : between(limits)),
    })
    .transform(Number)
    .meta({ type, ...limits });
}

function between(limits: Limits): string {
  // The limit of JavaScript is only for those who exceed it.
  return limits.maximum === Number.MAX_SAFE_INTEGER ? `of at least ${limits.minimum}` : fromTo(limits);
}

function fromTo({ minimum, maximum }: Limits): string {
  return `from ${minimum.toLocaleString('en-US')} to ${maximum.toLocaleString('en-US')}`;
}

/** The items of a page, and whether there are more after it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
}

/** Returns the page of a list that was read up to one item beyond it, so that a full last page has no next one. */
export function pageOf<T>(read: readonly T[], size: number): Page<T> {
  return { items: read.slice(0, size), hasMore: read.length > size };
}

const DAY_MS = 24 * 60 * 60 * 1000;
const DATE = z.iso.date();
/** MongoDB stores milliseconds: a smaller fraction would be lost. */
const DATE_TIME = z.iso.datetime({ offset: true }).regex(/^(?!.*\.\d{4})/);

const MOMENT =
  'must be a date such as 2026-01-31 (the whole day in UTC), or a date and time with a time zone such as 2026-01-31T12:00:00Z';

/** Explains, as a predicate, why `parseMoment` rejects a text. */
export function explainMoment(text: string): string {
  const day = /^\d{4}-\d\d-\d\d(?=T|$)/.exec(text)?.[0];
  return day === undefined || DATE.safeParse(day).success ? MOMENT : 'must be a day of the calendar';
}

/**
 * Parses a date, or a date and time with a time zone and at most milliseconds.
 * @param ofDay the millisecond that a date without a time becomes: the first of its day in UTC, or the last
 * @returns `undefined` for any other text
 */
export function parseMoment(text: string, ofDay: 'first' | 'last'): Date | undefined {
  if (DATE.safeParse(text).success) {
    const midnight = Date.parse(text);
    return new Date(ofDay === 'first' ? midnight : midnight + DAY_MS - 1);
  }
  if (!DATE_TIME.safeParse(text).success) return undefined;
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

/** A validation issue, including the members that zod adds to the standard schema. */
interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { key: PropertyKey })[] | undefined;
  readonly code?: string;
  readonly keys?: readonly string[];
}

class InvalidInput extends Error {
  constructor(readonly issues: readonly Issue[]) {
    super('invalid input');
  }
}

/** Validates parameters that have a schema; one error names every invalid field. */
export class ValidationPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues) => new InvalidInput(issues) });
  }

  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    rejectDroppedNames(value, metadata);
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      if (value === undefined && metadata.type === 'body')
        throw invalidRequest(fieldErrors({ message: 'is empty; this route needs a JSON body, see /docs' }, metadata));
      throw invalidRequest(error.issues.flatMap((issue) => fieldErrors(issue, metadata, value)));
    }
  }
}

/** Names that Nest drops from the input before validation. They are rejected, since a dropped filter would change the query. */
const DROPPED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Deeper than any valid input. The limit ends the recursion before a stack overflow. */
const DEEPEST = 8;

function rejectDroppedNames(value: unknown, metadata: ArgumentMetadata): void {
  const fault = droppedNameIn(value);
  if (fault !== undefined) throw invalidRequest(fieldErrors(fault, metadata));
}

/** Returns the first dropped name. The path to it is only built on the way back: an array of 1,000 objects has 9,000 fields. */
function droppedNameIn(value: unknown, depth = 0): (Issue & { readonly path: readonly string[] }) | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > DEEPEST) return { message: 'is nested too deeply', path: [] };
  for (const name of Object.keys(value)) {
    if (DROPPED.has(name)) return { path: [], ...unknown(name) };
    const inner = droppedNameIn((value as Record<string, unknown>)[name], depth + 1);
    // What is too deep is named by its outermost field.
    if (inner !== undefined) return { ...inner, path: inner.code === undefined ? [name] : [name, ...inner.path] };
  }
  return undefined;
}

function unknown(name: string): Pick<Issue, 'code' | 'keys' | 'message'> {
  return { code: 'unrecognized_keys', keys: [name], message: 'is unknown; see /docs for the known fields' };
}

function fieldErrors(issue: Issue, { type, data }: ArgumentMetadata, input?: unknown): FieldError[] {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  const where = type === 'param' ? 'path' : type === 'query' ? 'query' : 'body';
  const error = (parts: readonly string[], detail: string): FieldError => ({
    field: parts.length > 0 ? fieldName(parts, where) : (data ?? 'body'),
    in: where,
    ...(where === 'body' && {
      pointer: parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    }),
    detail,
  });
  if (issue.code === 'unrecognized_keys' && issue.keys !== undefined)
    return issue.keys.map((key) => error([...path, key], issue.message));
  return [error(path, explained(issue, valueAt(input, path), where))];
}

const SHOWN_LENGTH = 60;

/** Adds the rejected value to what is allowed. In a query, each value is a text: a list or an object is a wrong notation. */
function explained({ message, code }: Issue, value: unknown, where: FieldError['in']): string {
  if (where === 'query' && Array.isArray(value)) return 'must be given once';
  // A rule about several fields is custom: none of them is required by it.
  if (value === undefined)
    return code !== 'custom' && message.startsWith('must ') ? `is required, and ${message}` : message;
  if (typeof value === 'object' && value !== null) return message;
  // JSON has no infinity, but 1e309 becomes one.
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return `${message}, got ${text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH).toWellFormed()}…` : text}`;
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
    input,
  );
}

/** Returns the field's name in the client's notation: `number[gte]` in a query, `faults.poison` in a body. */
function fieldName(parts: readonly string[], where: FieldError['in']): string {
  const [first = '', ...inner] = parts;
  return where === 'query' ? `${first}${inner.map((part) => `[${part}]`).join('')}` : parts.join('.');
}
