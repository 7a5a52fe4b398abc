import diff, { type Difference as Change } from 'microdiff';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { renderOrders, type AnswerForm } from '../sides/new-answer.js';
import {
  comparedOrders,
  ONLY_ORDER,
  readAnswer,
  readNewBodies,
  type AnswerFault,
  type ComparedAnswer,
  type GivenAnswer,
  type Readable,
} from './compared-answer.js';

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

/** The answers of both sides. That of the new side as the facade sent it, or as the bodies of the query API. */
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
  const other = readNew(pair, zone);
  if ('text' in other && isText(pair.legacy, Buffer.from(other.text))) return [];
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

/** Reads the answer of the new side: as a client got it, or with its text as a client would have got it. */
function readNew(
  { new: given, form }: AnswerPair,
  zone: LegacyTimeZone,
): Readable | (Readable & { readonly text: string }) {
  if (!('bodies' in given)) return readAnswer(given, form, zone);
  const read = readNewBodies(given.bodies, form, zone);
  if ('fault' in read) return read;
  return { answer: comparedOrders(read.orders, form), text: renderOrders(read.orders, form) };
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

function faultOf(read: Readable, side: 'legacy' | 'new'): Difference[] {
  return 'fault' in read ? [ofFault(read.fault, side)] : [];
}

function ofFault({ code, path, detail }: AnswerFault, side: 'legacy' | 'new'): Difference {
  const shownDetail = `the answer of the ${side === 'legacy' ? 'legacy system' : 'new side'} ${detail}`;
  return { path: path ?? 'answer', code, detail: shownDetail.slice(0, SHOWN_CHARACTERS) };
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
