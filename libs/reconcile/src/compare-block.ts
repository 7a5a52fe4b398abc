import type { OrderDocument } from '#orders/order-document.js';
import type { Order } from '#orders/order.js';
import { contentOf, hasContent, numberOf, readStored } from './stored-content.js';

/** What must be at one index. */
export interface ExpectedOrder {
  readonly index: number;
  readonly order: Order;
  /** The order itself never was on the topic: something faulty went in its place. */
  readonly isFaulty: boolean;
}

/** An order that is stored, but not as it was sent. */
export interface AlteredOrder {
  readonly index: number;
  readonly id: string;
  /** The fields that differ; those that don't belong there are named too. */
  readonly fields: readonly string[];
}

/** A document that no order of the operation accounts for. */
export interface PhantomOrder {
  readonly id: string;
  readonly number: number | null;
  readonly reason: string;
}

export interface BlockFindings {
  /** Indexes whose order is stored exactly as it was sent. */
  readonly saved: readonly number[];
  /** Orders of which nothing stands under their number, those in whose place something faulty went included. */
  readonly missing: readonly ExpectedOrder[];
  readonly altered: readonly AlteredOrder[];
  readonly phantoms: readonly PhantomOrder[];
  /** Documents with a number that another one has too. */
  readonly doubled: readonly PhantomOrder[];
}

/**
 * Holds the documents found under a range of numbers against the orders that must be there.
 * @param expected in the order of their indexes
 * @param stored the raw documents, in the order of their numbers
 */
export function compareBlock(expected: readonly ExpectedOrder[], stored: readonly Buffer[]): BlockFindings {
  const findings = { saved: [], missing: [], altered: [], phantoms: [], doubled: [] } as Mutable<BlockFindings>;
  let at = 0;
  for (const each of expected) {
    const documents: Buffer[] = [];
    for (; at < stored.length && numberAt(stored, at) <= each.order.number; at += 1)
      documents.push(stored[at] as Buffer);
    judge(each, documents, findings);
  }
  for (; at < stored.length; at += 1)
    findings.phantoms.push(phantom(stored[at] as Buffer, 'its number was not given out'));
  return findings;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

function judge(expected: ExpectedOrder, documents: readonly Buffer[], findings: Mutable<BlockFindings>): void {
  const { order, index, isFaulty } = expected;
  const content = documents.length === 0 ? undefined : contentOf(order);
  const same = content === undefined ? -1 : documents.findIndex((document) => hasContent(document, content));
  if (same >= 0 && !isFaulty) findings.saved.push(index);
  let isThere = same >= 0 && !isFaulty;
  for (const [at, document] of documents.entries()) {
    if (at === same && !isFaulty) continue;
    const read = readStored(document);
    if (isFaulty) findings.phantoms.push(phantom(document, 'what was sent with this number could not be saved'));
    else if (String(read._id) !== order.id) {
      (isThere || documents.length > 1 ? findings.doubled : findings.phantoms).push(
        phantom(document, 'another order stands under this number'),
      );
    } else {
      findings.altered.push({ index, id: order.id, fields: differences(read, order) });
      isThere = true;
    }
  }
  if (!isThere) findings.missing.push(expected);
}

/** Documents laid out in another way than this pipeline writes them are read; those without any number come first. */
function numberAt(stored: readonly Buffer[], at: number): number {
  const document = stored[at] as Buffer;
  return numberOf(document) ?? Number(readStored(document).number);
}

function phantom(document: Buffer, reason: string): PhantomOrder {
  const { _id, number } = readStored(document);
  const found = Number(number);
  return { id: String(_id), number: Number.isSafeInteger(found) ? found : null, reason };
}

/** Names of the fields in which a stored document is not the order. */
export function differences(stored: OrderDocument, order: Order): string[] {
  const wanted = readStored(wholeDocument(order));
  const names = new Set([...Object.keys(wanted), ...Object.keys(stored)]);
  names.delete('ingest');
  const values: [Record<string, unknown>, Record<string, unknown>] = [{ ...stored }, { ...wanted }];
  const differing = [...names].filter((name) => text(values[0][name]) !== text(values[1][name]));
  return differing.length > 0 ? differing : ['order of fields or their types'];
}

function wholeDocument(order: Order): Buffer {
  const content = contentOf(order);
  const document = Buffer.alloc(content.length + 5);
  document.writeInt32LE(document.length);
  content.copy(document, 4);
  return document;
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? 'absent';
}
