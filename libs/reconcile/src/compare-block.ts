import type { SentOrder } from './sent-order.js';
import { numberOf, readStored } from './stored-content.js';

/** The expected order at one index. */
export interface ExpectedOrder {
  readonly index: number;
  readonly order: SentOrder;
  /** The order itself was never sent: a faulty record replaced it. */
  readonly isFaulty: boolean;
}

/** An order whose stored document differs from the sent order. */
export interface AlteredOrder {
  readonly index: number;
  readonly id: string;
  /** The fields that differ, including unexpected ones. */
  readonly fields: readonly string[];
}

/** A document that belongs to no order of the operation. */
export interface PhantomOrder {
  readonly id: string;
  readonly number: number | null;
  readonly reason: string;
}

export interface BlockFindings {
  /** Indexes whose order is stored exactly as sent. */
  readonly saved: readonly number[];
  /** Orders without a document under their number, including those that a faulty record replaced. */
  readonly missing: readonly ExpectedOrder[];
  readonly altered: readonly AlteredOrder[];
  readonly phantoms: readonly PhantomOrder[];
  /** Documents that share a number with another document. */
  readonly doubled: readonly PhantomOrder[];
}

/**
 * Compares the documents of a number range with the expected orders.
 * @param expected sorted by index
 * @param stored the raw documents, sorted by number
 */
export function compareBlock(expected: readonly ExpectedOrder[], stored: readonly Buffer[]): BlockFindings {
  const findings = { saved: [], missing: [], altered: [], phantoms: [], doubled: [] } as Mutable<BlockFindings>;
  let at = 0;
  for (const each of expected) {
    const documents: Buffer[] = [];
    for (; at < stored.length && numberAt(stored, at) <= each.order.number; at += 1)
      documents.push(stored[at] as Buffer);
    compareOne(each, documents, findings);
  }
  for (; at < stored.length; at += 1)
    findings.phantoms.push(phantom(stored[at] as Buffer, 'its number was not assigned'));
  return findings;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

function compareOne(expected: ExpectedOrder, documents: readonly Buffer[], findings: Mutable<BlockFindings>): void {
  const { order, index, isFaulty } = expected;
  const same = documents.findIndex((document) => order.isStoredAs(document));
  if (same >= 0 && !isFaulty) findings.saved.push(index);
  let isFound = same >= 0 && !isFaulty;
  for (const [at, document] of documents.entries()) {
    if (at === same && !isFaulty) continue;
    const read = readStored(document);
    if (isFaulty) findings.phantoms.push(phantom(document, 'the record sent with this number could not be saved'));
    else if (String(read._id) !== order.id) {
      (isFound || documents.length > 1 ? findings.doubled : findings.phantoms).push(
        phantom(document, 'another order has this number'),
      );
    } else {
      findings.altered.push({ index, id: order.id, fields: order.differences(document) });
      isFound = true;
    }
  }
  if (!isFound) findings.missing.push(expected);
}

/** Returns the number of a document. It decodes documents with a foreign layout; those without a number sort first. */
function numberAt(stored: readonly Buffer[], at: number): number {
  const document = stored[at] as Buffer;
  return numberOf(document) ?? Number(readStored(document).number);
}

function phantom(document: Buffer, reason: string): PhantomOrder {
  const { _id, number } = readStored(document);
  const found = Number(number);
  return { id: String(_id), number: Number.isSafeInteger(found) ? found : null, reason };
}
