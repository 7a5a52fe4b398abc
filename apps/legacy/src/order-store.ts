import { randomUUID } from 'node:crypto';
import type { Clock } from '@orders-pipeline/clock';
import {
  completeOrder,
  rounded,
  type LegacyOrder,
  localTime,
  differingFields,
  MAX_NUMBER,
  type OrderRequest,
} from './order-request.js';
import { fileOf, ORDERS_PER_FILE, type OrderFiles } from './order-files.js';

const SYMBOLS = [
  ['ACME', 'USD', 187.35],
  ['EVEN', 'EUR', 76.42],
  ['IRIS', 'GBP', 8.89],
  ['LUMA', 'JPY', 3_245],
] as const;
const ACCOUNTS = 10_000;

/**
 * Generates a test order for `POST /populate`.
 * @param random returns a number from 0 up to, but not including, 1
 */
function generateOrder(assigned: Pick<LegacyOrder, 'id' | 'number' | 'createdAt'>, random: () => number): LegacyOrder {
  const below = (end: number): number => Math.floor(random() * end);
  const [symbol, currency, price] = SYMBOLS[below(SYMBOLS.length)] ?? SYMBOLS[0];
  const content = {
    accountId: `acc-${String(below(ACCOUNTS)).padStart(7, '0')}`,
    side: random() < 0.5 ? ('buy' as const) : ('sell' as const),
    symbol,
    quantity: 1 + below(10_000),
    price: rounded(price * (0.9 + random() / 5)),
    currency,
  };
  return completeOrder(content, assigned);
}

/** Thrown when an order contradicts a stored one, or when no number is left. */
class ConflictError extends Error {
  override readonly name = 'ConflictError';
  readonly statusCode = 409;
}

/** Generated orders are spread over the last 30 days. */
const GENERATED_SPAN_MS = 30 * 24 * 3_600_000;

/** A range of more files than these lists the folder first, instead of looking for each. */
const LISTED_FILES = 100;

/** All orders: their files, and an index of their ids in memory. */
export class OrderStore {
  private readonly numbers = new Map<string, number>();
  /** The ids that are being written. */
  private readonly arriving = new Map<string, Promise<void>>();
  private highest = 0;

  private constructor(
    private readonly files: OrderFiles,
    private readonly clock: Clock,
  ) {}

  /** Reads all files to build the index: about 3 s for a million orders. @throws BadFileError */
  static async open(files: OrderFiles, clock: Clock): Promise<OrderStore> {
    const store = new OrderStore(files, clock);
    for (const index of await files.list()) {
      for (const [number, { id }] of await files.read(index)) store.remember(id, number);
    }
    return store;
  }

  get count(): number {
    return this.numbers.size;
  }

  /**
   * Stores an order durably, or finds it: the same content under the same id is accepted again.
   * @throws ConflictError if the id has other content; NumberInUseError
   */
  async add(request: OrderRequest): Promise<{ readonly text: string; readonly isNew: boolean }> {
    const id = request.id ?? randomUUID();
    for (let other = this.arriving.get(id); other !== undefined; other = this.arriving.get(id)) await ended(other);
    const known = this.numbers.get(id);
    if (known !== undefined) return { text: await this.repeated(request, id, known), isNew: false };
    // Nothing is awaited from here to the write, so that numbers are written in the order in which they are assigned.
    const number = request.number ?? this.reserve(1);
    this.highest = Math.max(this.highest, number);
    const text = JSON.stringify(completeOrder(request, { id, number, createdAt: localTime(this.clock.now()) }));
    const write = this.files.add(number, { id, text }).then(() => this.remember(id, number));
    this.arriving.set(id, write);
    try {
      await write;
    } finally {
      this.arriving.delete(id);
    }
    return { text, isNew: true };
  }

  /** Generates test orders with the next numbers. A crash leaves the first of them. @returns their numbers */
  async populate(count: number, random: () => number): Promise<{ readonly first: number; readonly last: number }> {
    const first = this.reserve(count);
    const last = first + count - 1;
    const now = this.clock.now();
    for (let from = first; from <= last;) {
      const end = Math.min(last, (fileOf(from) + 1) * ORDERS_PER_FILE);
      const writes: Promise<void>[] = [];
      for (let number = from; number <= end; number += 1) {
        const createdAt = localTime(now - Math.floor(((last - number) / count) * GENERATED_SPAN_MS));
        const order = generateOrder({ id: randomUUID(), number, createdAt }, random);
        const { id } = order;
        const write = this.files.add(number, { id, text: JSON.stringify(order) });
        writes.push(write.then(() => this.remember(id, number)));
      }
      await Promise.all(writes);
      from = end + 1;
    }
    return { first, last };
  }

  /** Returns an order as JSON; `null`, as JSON, for an unknown id. */
  async find(id: string): Promise<string> {
    const number = this.numbers.get(id);
    if (number === undefined) return 'null';
    const found = (await this.files.read(fileOf(number))).get(number);
    return found?.text ?? 'null';
  }

  /** Returns the file of a page, counted from 1, as it is. */
  async page(page: number): Promise<Buffer | string> {
    return (await this.files.bytes(page - 1)) ?? '[]';
  }

  /** Yields the orders of a range of numbers, both ends included, as the pieces of a JSON array: one file after another. */
  async *range(start: number, end: number): AsyncGenerator<string> {
    yield '[';
    let separator = '';
    for (const index of await this.filesFrom(fileOf(start), fileOf(Math.min(end, this.highest)))) {
      const texts: string[] = [];
      for (const [number, { text }] of await this.files.read(index))
        if (number >= start && number <= end) texts.push(text);
      if (texts.length === 0) continue;
      yield `${separator}${texts.join(',')}`;
      separator = ',';
    }
    yield ']';
  }

  /** Returns the indexes of the files of a range. A client may choose a number far above all others: there are few files between. */
  private async filesFrom(first: number, last: number): Promise<readonly number[]> {
    if (last - first > LISTED_FILES)
      return (await this.files.list()).filter((index) => index >= first && index <= last);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  }

  private async repeated(request: OrderRequest, id: string, number: number): Promise<string> {
    const text = await this.find(id);
    const differing = differingFields(request, JSON.parse(text) as LegacyOrder);
    if (differing.length === 0) return text;
    throw new ConflictError(`order ${id} exists under number ${number} with another ${differing.join(', ')}`);
  }

  /** @returns the first of `count` new numbers */
  private reserve(count: number): number {
    if (this.highest + count > MAX_NUMBER) throw new ConflictError(`numbers end at ${MAX_NUMBER}`);
    const first = this.highest + 1;
    this.highest += count;
    return first;
  }

  private remember(id: string, number: number): void {
    this.numbers.set(id, number);
    this.highest = Math.max(this.highest, number);
  }
}

/** Resolves when the work has ended in any way. */
async function ended(work: Promise<unknown>): Promise<void> {
  await Promise.allSettled([work]);
}
