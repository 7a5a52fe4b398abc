import diff, { type Difference as Change } from 'microdiff';
import { comparable, NumberText, parseStrictJson } from '#legacy/json/strict-json.js';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { TranslationReason } from '#legacy/translation/translation-reason.js';
import { SIDE_TEXTS, type SideName } from '../sides/side.js';
import { TargetAnswerError, orderIn, ordersOf, pageIn, type AnswerForm, renderOrders } from '../sides/target-reads.js';

/** The path of the only order of a read by id. */
const ONLY_ORDER = 'order';

/** An answer as the client got it. */
interface GivenAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly bytes: Uint8Array;
}

/** Why an answer can't be compared. `code` is stable. */
interface AnswerFault {
  readonly code: string;
  /** The place in the answer; absent if it is the answer as a whole. */
  readonly path?: string;
  readonly detail: string;
}

/** The orders of an answer by their path: the number, or `order` for a read by id. A read by id of an unknown order has none. */
interface ComparedAnswer {
  readonly orders: Readonly<Record<string, unknown>>;
  /** Returns why an order can't be translated to the target; `undefined` if it can. */
  readonly reasonOf?: (path: string) => TranslationReason | undefined;
}

type Readable = { readonly answer: ComparedAnswer } | { readonly fault: AnswerFault };

/** Reads an answer in the form of the legacy system, whichever side gave it. */
function readAnswer(given: GivenAnswer, form: AnswerForm, zone: LegacyTimeZone): Readable {
  const { status, contentType, bytes } = given;
  if (status !== 200) return faulty('unexpected-status', `responded with status ${status}`);
  const text = new TextDecoder().decode(bytes);
  if (/^\s*</.test(text) || contentType?.startsWith('text/html') === true)
    return faulty('html', `is HTML: ${text.trim().slice(0, 60)}`);
  const parsed = parseStrictJson(text);
  if ('fault' in parsed) {
    const { code, field, detail } = parsed.fault;
    const isCut =
      code === 'not-json' && /^is empty|unexpected end|unterminated|after property|after array/i.test(detail);
    return faulty(isCut ? 'half-json' : code, `${field ?? 'the JSON'} ${detail}`);
  }
  if (form !== 'order') return readList(parsed.value, zone);
  return withReasons(parsed.value === null ? [] : [[ONLY_ORDER, parsed.value]], zone);
}

function readList(value: unknown, zone: LegacyTimeZone): Readable {
  if (!Array.isArray(value)) return faulty('not-a-list', 'is no array of orders');
  const orders: [string, unknown][] = [];
  const seen = new Set<string>();
  for (const [at, order] of value.entries()) {
    const number = numberOf(order);
    if (number === undefined) return faulty('not-an-order', `has no number`, `[${at}]`);
    if (seen.has(number)) return faulty('duplicate-number', `is there twice`, number);
    seen.add(number);
    orders.push([number, order]);
  }
  return withReasons(orders, zone);
}

function withReasons(orders: readonly [string, unknown][], zone: LegacyTimeZone): Readable {
  const originals = new Map(orders);
  return {
    answer: {
      orders: byPath(orders.map(([path, order]) => [path, comparable(order)])),
      reasonOf: (path) => {
        const read = fromLegacy(originals.get(path), zone);
        return 'reason' in read ? read.reason : undefined;
      },
    },
  };
}

function numberOf(order: unknown): string | undefined {
  if (typeof order !== 'object' || order === null || !('number' in order)) return undefined;
  return order.number instanceof NumberText ? order.number.text : undefined;
}

function faulty(code: string, detail: string, path?: string): { readonly fault: AnswerFault } {
  return { fault: { code, detail, ...(path !== undefined && { path }) } };
}

/** Without a prototype, so that no field's name is special. */
function byPath(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.assign(Object.create(null) as Record<string, unknown>, Object.fromEntries(entries));
}

/** A place at which two answers differ. */
export interface Difference {
  /** A field such as `price`, or with the number of its order `1001.price`; `order`, or a number, for a whole order; `answer`. */
  readonly path: string;
  /** The value of each side as JSON, shortened; absent if the side has none. */
  readonly legacy?: string;
  readonly new?: string;
  /** Why, if that is known: such as `not-a-uuid`, `html` or `half-json`. Stable. */
  readonly code?: string;
  readonly detail?: string;
}

/** The answers of both sides. That of the target as the facade sent it, or as the bodies of the query API. */
export interface AnswerPair {
  readonly form: AnswerForm;
  readonly legacy: GivenAnswer;
  readonly new: GivenAnswer | { readonly bodies: readonly Uint8Array[] };
}

const SHOWN_CHARACTERS = 500;
/** What a person reads. Two unlike pages would have thousands. */
const MAX_DIFFERENCES = 50;

/** Compares two answers exactly: nothing is rounded. Pure. @returns at most 50 differences; none if the answers are equal */
export function differencesOf(pair: AnswerPair, zone: LegacyTimeZone): Difference[] {
  // Most answers are equal. Parsing without losing anything takes most of the time.
  if (areSame(pair)) return [];
  const other = readTarget(pair, zone);
  if (other.text !== undefined && isText(pair.legacy, Buffer.from(other.text))) return [];
  const legacy = readAnswer(pair.legacy, pair.form, zone);
  const faults = [...faultOf(legacy, 'legacy'), ...faultOf(other, 'new')];
  if (!('answer' in legacy) || !('answer' in other)) return faults;
  const found = diff(legacy.answer.orders, other.answer.orders, { cyclesFix: false });
  return found.slice(0, MAX_DIFFERENCES).map((change) => differenceOf(change, pair.form, legacy.answer));
}

/** Returns whether a client got the same bytes from both sides. */
export function areSame({ legacy, new: other }: AnswerPair): boolean {
  return 'bytes' in other && isText(legacy, other.bytes);
}

/**
 * Reads the answer of the target: as a client got it, or the query API's own bodies (see `TargetReads.bodies`) with the text that a client
 * would have got.
 */
function readTarget({ new: given, form }: AnswerPair, zone: LegacyTimeZone): Readable & { readonly text?: string } {
  if (!('bodies' in given)) return readAnswer(given, form, zone);
  const ordersIn = (body: Uint8Array) =>
    form === 'order' ? (orderIn(body, zone) ?? []) : ordersOf(pageIn(body).items, zone);
  try {
    const orders = given.bodies.flatMap(ordersIn);
    const entries = orders.map((order) => [form === 'order' ? ONLY_ORDER : String(order.number), order] as const);
    return { answer: { orders: byPath(entries) }, text: renderOrders(orders, form) };
  } catch (error) {
    if (!(error instanceof TargetAnswerError)) throw error;
    return faulty(error.code, error.message, error.field);
  }
}

function isText({ status, bytes }: GivenAnswer, text: Uint8Array): boolean {
  return status === 200 && Buffer.compare(text, bytes) === 0;
}

function differenceOf(change: Change, form: AnswerForm, { orders, reasonOf }: ComparedAnswer): Difference {
  const path = change.path.join('.');
  const order = String(change.path[0]);
  const reason = order in orders ? reasonOf?.(order) : undefined;
  const isReason = reason !== undefined && (change.path.length === 1 || reason.field === change.path[1]);
  return {
    path: form !== 'order' || path === ONLY_ORDER ? path : path.slice(ONLY_ORDER.length + 1),
    ...(change.type !== 'CREATE' && { legacy: shown(change.oldValue) }),
    ...(change.type !== 'REMOVE' && { new: shown(change.value) }),
    ...(isReason && { code: reason.code, detail: `${reason.field ?? 'the order'} ${reason.detail}` }),
  };
}

/** Returns whether a whole order is missing on one side: what an open intent can explain. */
export function isMissingOrder({ path, legacy, new: other, code }: Difference): boolean {
  return (
    code === undefined && (legacy === undefined || other === undefined) && (path === ONLY_ORDER || /^\d+$/.test(path))
  );
}

function faultOf(read: Readable, side: SideName): Difference[] {
  if (!('fault' in read)) return [];
  const { code, path = 'answer', detail } = read.fault;
  const shownDetail = `the answer of ${SIDE_TEXTS[side]} ${detail}`;
  return [{ path, code, detail: shownDetail.slice(0, SHOWN_CHARACTERS) }];
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
