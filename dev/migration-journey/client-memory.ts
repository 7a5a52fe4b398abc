import type { LegacyRecord } from '#legacy/translation/to-legacy.js';
import { storedOrder, type StoredOrder, type SentOrder } from './stored-orders.js';

/** A read of the legacy system's API, with the path that asks for it. */
export type ClientRead = { readonly path: string } & (
  | { readonly id: string }
  | { readonly from: number; readonly to: number }
);

const FIELDS = 'id,number,accountId,side,symbol,quantity,price,amount,currency,createdAt';
const SHOWN_CHARACTERS = 200;

/** All orders that any client was answered, and those of before. An order has one number and one content, for ever. */
export class Sightings {
  private readonly byNumber = new Map<number, StoredOrder>();
  private readonly numbers = new Map<string, number>();

  /** @param old the orders of before: numbers from 1 on without gaps */
  constructor(readonly old: readonly StoredOrder[]) {
    for (const order of old) this.numbers.set(order.id, order.number);
  }

  /** Adds an order. @returns what contradicts an earlier answer; `undefined`: nothing */
  note(order: StoredOrder): string | undefined {
    const { number, id, text } = order;
    const before = this.at(number);
    if (before !== undefined && before.text !== text) return `order ${number} was ${before.text}, and is ${text}`;
    const other = this.numbers.get(id) ?? number;
    if (other !== number) return `order ${id} has number ${number}, and had number ${other}`;
    if (before === undefined) this.byNumber.set(number, order);
    this.numbers.set(id, number);
    return undefined;
  }

  at(number: number): StoredOrder | undefined {
    return this.old[number - 1] ?? this.byNumber.get(number);
  }

  numberOf(id: string): number | undefined {
    return this.numbers.get(id);
  }

  /** Without those of before. */
  get new(): readonly StoredOrder[] {
    return [...this.byNumber.values()];
  }
}

/** The orders that one client knows: the old ones, those of its acknowledged writes, and all that a read has ever returned to it. */
export class ClientMemory {
  /** Without the old ones, in the order in which the client learned of them. */
  readonly learned: StoredOrder[] = [];
  private readonly numbers = new Set<number>();

  constructor(readonly sightings: Sightings) {}

  /** Judges the answer to a write: a whole order, with all that was sent. @returns the order, or why the answer is wrong */
  judgeWrite(text: string, sent: SentOrder): StoredOrder | string {
    const read = readOrders(`[${text}]`);
    if (typeof read === 'string') return read;
    const [order] = read;
    if (order === undefined) return 'no order';
    const fields = JSON.parse(order.text) as Record<string, unknown>;
    const differing = Object.entries(sent).find(([name, value]) => fields[name] !== value);
    if (differing !== undefined) return `${differing.join(' was sent as ')}: ${text.slice(0, SHOWN_CHARACTERS)}`;
    return this.learn([order]) ?? order;
  }

  /**
   * Judges a whole answer with status 200: orders don't change and don't disappear, so it must have all that the client knew when it
   * asked and that match, as they were. Learns the orders that are new.
   * @returns why the answer is wrong; `undefined` if it is right
   */
  judge(read: ClientRead, text: string): string | undefined {
    const isOne = 'id' in read;
    if (isOne && text.trim() === 'null')
      return this.knows(read.id) ? `${read.path}: a known order is missing` : undefined;
    const orders = readOrders(isOne ? `[${text}]` : text);
    if (typeof orders === 'string') return `${read.path}: ${orders}`;
    const problem = isOne ? this.problemOfOrder(read.id, orders) : this.problemOfList(read, orders);
    return problem === undefined ? this.learn(orders) : `${read.path}: ${problem}`;
  }

  private problemOfOrder(id: string, [order]: readonly StoredOrder[]): string | undefined {
    if (order?.id !== id) return `the answer for ${id} is another order`;
    return this.knows(id) ? undefined : 'an unknown id has an order';
  }

  private problemOfList(
    { from, to }: Extract<ClientRead, { from: number }>,
    orders: readonly StoredOrder[],
  ): string | undefined {
    const answered = new Set(orders.map(({ number }) => number));
    let last = from - 1;
    for (const { number } of orders) {
      if (number <= last || number > to) return `order ${number} is out of the range, out of order, or there twice`;
      last = number;
    }
    for (let number = from; number <= to; number += 1)
      if (!answered.has(number) && this.knowsNumber(number))
        return `order ${number} is known to the client, and missing`;
    return undefined;
  }

  private knows(id: string): boolean {
    const number = this.sightings.numberOf(id);
    return number !== undefined && this.knowsNumber(number);
  }

  private knowsNumber(number: number): boolean {
    return number <= this.sightings.old.length || this.numbers.has(number);
  }

  private learn(orders: readonly StoredOrder[]): string | undefined {
    for (const order of orders) {
      const contradiction = this.sightings.note(order);
      if (contradiction !== undefined) return contradiction;
      if (this.knowsNumber(order.number)) continue;
      this.numbers.add(order.number);
      this.learned.push(order);
    }
    return undefined;
  }
}

/** Returns the orders of a JSON array, or what is wrong with it. */
function readOrders(body: string): readonly StoredOrder[] | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return `no JSON: ${body.slice(0, SHOWN_CHARACTERS)}`;
  }
  if (!Array.isArray(value)) return `no list of orders: ${body.slice(0, SHOWN_CHARACTERS)}`;
  const strange = (value as unknown[]).find(
    (each) => typeof each !== 'object' || each === null || Object.keys(each).join() !== FIELDS,
  );
  if (strange !== undefined) return `no order: ${JSON.stringify(strange)}`.slice(0, SHOWN_CHARACTERS);
  return (value as LegacyRecord[]).map(storedOrder);
}
