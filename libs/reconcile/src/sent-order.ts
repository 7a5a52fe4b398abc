import { contentHash, contentOf, hashOf } from '#orders/order/order-content.js';
import { fromDocument, isRepeatedOrder, type OrderDocument } from '#orders/order/order-document.js';
import type { Order } from '#orders/order/order.js';
import { contentIn, hasContent, readStored } from './stored-content.js';

/** An order that was sent, to be compared with what is stored. */
export interface SentOrder {
  readonly id: string;
  readonly number: number;
  /** Whether a document is exactly this order. */
  isStoredAs(document: Buffer): boolean;
  /** Whether a document of this id is the same order, saved before under another number. */
  isRepeatOf(document: Buffer): boolean;
  /** Returns the names of the fields in which a document of this order differs from what was sent. */
  differences(document: Buffer): string[];
}

/** An order that can be made again, by the generator or from an import's row. */
export class KnownOrder implements SentOrder {
  /** @param canRepeat whether another operation may have sent the order before */
  constructor(
    private readonly order: Order,
    private readonly canRepeat: boolean,
  ) {}

  get id(): string {
    return this.order.id;
  }

  get number(): number {
    return this.order.number;
  }

  isStoredAs(document: Buffer): boolean {
    return hasContent(document, contentOf(this.order));
  }

  isRepeatOf(document: Buffer): boolean {
    return this.canRepeat && isRepeatedOrder(fromDocument(readStored(document)), this.order);
  }

  differences(document: Buffer): string[] {
    const [stored, sent] = [fieldsOf(readStored(document)), fieldsOf(readStored(wholeDocument(this.order)))];
    const names = [...new Set([...Object.keys(sent), ...Object.keys(stored)])];
    const differing = names.filter((name) => text(stored[name]) !== text(sent[name]));
    return differing.length > 0 ? differing : ['order of fields or their types'];
  }
}

/** An order that a client has sent. Only its id and the hash of its content are known. */
export class ReceivedOrder implements SentOrder {
  /** @param assignedAt the `createdAt` that the producer assigned; `undefined` if the client gave one */
  constructor(
    readonly id: string,
    readonly number: number,
    private readonly hash: string,
    private readonly assignedAt: Date | undefined,
  ) {}

  isStoredAs(document: Buffer): boolean {
    const content = contentIn(document);
    return content !== undefined && hashOf(content) === this.hash;
  }

  /** Compares what this intake would have stored: with its number, and with its own time if it assigned one. */
  isRepeatOf(document: Buffer): boolean {
    const stored = fromDocument(readStored(document));
    const order = { ...stored, number: this.number };
    // An order that did not come from the legacy system equals its own export.
    const exported = { ...order, legacy: stored.legacy ?? { number: stored.number, filled: [] } };
    return [order, exported].some((each) => this.hasHashOf(each) || this.hasHashOf(this.withOwnTime(each)));
  }

  differences(document: Buffer): string[] {
    const stored = fieldsOf(readStored(document));
    return stored['number'] === this.number ? ['content'] : ['number'];
  }

  private hasHashOf(order: Order): boolean {
    return contentHash(order) === this.hash;
  }

  private withOwnTime(order: Order): Order {
    return this.assignedAt === undefined ? order : { ...order, createdAt: this.assignedAt };
  }
}

function fieldsOf({ ingest: _ingest, ...fields }: OrderDocument): Readonly<Record<string, unknown>> {
  return fields;
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
