import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import type { LegacyRecord } from '#legacy/translation/to-legacy.js';
import type { OrderDocument } from '#orders/order/order-document.js';

/** An order in one form for answers, for the legacy system's files and for MongoDB's collection, made without the product's translation. */
export interface StoredOrder {
  readonly id: string;
  /** The legacy number. */
  readonly number: number;
  readonly accountId: string;
  /** The serial of the write: see `WrittenOrder`. */
  readonly quantity: number;
  /** The JSON of the order, with the legacy system's fields in its order. */
  readonly text: string;
}

/** The orders of one side, as its files or its collection have them. */
export type StoredSide = readonly StoredOrder[];

/** An order of the target, with its place on the topic. */
export interface TargetOrder extends StoredOrder {
  /** Whether the facade sent it, not an import. */
  readonly isSent: boolean;
  readonly partition: number;
  readonly offset: number;
}

/** The time zone of the legacy system: far from UTC, and without changes of the clocks, so that each local time is one instant. */
export const ZONE = { name: 'Asia/Kolkata', offsetMinutes: 330 } as const;

const ORDERS_PER_FILE = 1_000;

export function storedOrder(record: LegacyRecord): StoredOrder {
  const { id, number, accountId, quantity } = record;
  return { id, number, accountId, quantity, text: JSON.stringify(record) };
}

/** Reads the legacy system's files themselves, beside the legacy system: neither it nor the facade is asked. */
export class LegacyFiles {
  private readonly cache = new Map<string, { readonly version: string; readonly orders: StoredSide }>();

  constructor(private readonly folder: string) {}

  /** Returns all orders, by number. Each file is whole; two files are not of the same moment. */
  async all(): Promise<StoredSide> {
    const names = (await readdir(this.folder)).filter((name) => /^\d+\.json$/.test(name));
    const sorted = names.toSorted((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10));
    return (await Promise.all(sorted.map(async (name) => this.file(name)))).flat();
  }

  /** Returns whether the order with this number has this id now. */
  async has({ number, id }: StoredOrder): Promise<boolean> {
    const name = `${Math.floor((number - 1) / ORDERS_PER_FILE)}.json`;
    const orders = await this.file(name).catch(() => []);
    return orders.some((order) => order.number === number && order.id === id);
  }

  private async file(name: string): Promise<StoredSide> {
    const path = join(this.folder, name);
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    const version = `${ino} ${size} ${mtimeNs}`;
    const cached = this.cache.get(name);
    if (cached?.version === version) return cached.orders;
    const orders = (JSON.parse(await readFile(path, 'utf8')) as readonly LegacyRecord[]).map(storedOrder);
    this.cache.set(name, { version, orders });
    return orders;
  }
}

/** Reads MongoDB's collection itself: neither the query API nor the facade is asked. */
export async function targetOrders(db: Db): Promise<readonly TargetOrder[]> {
  const intakes = db.collection<{ _id: string; kind: string }>('operations').find({ kind: 'intake' });
  const sent = new Set((await intakes.project<{ _id: string }>({ _id: 1 }).toArray()).map(({ _id }) => _id));
  const orders: TargetOrder[] = [];
  for await (const document of db.collection<OrderDocument>('orders').find()) {
    const { operationId, partition, offset } = document.ingest;
    const isSent = sent.has(operationId?.toHexString() ?? '');
    orders.push({ ...asLegacyOrder(document), isSent, partition, offset: Number(offset) });
  }
  return orders;
}

/** Writes a document of the target as the legacy system would. */
export function asLegacyOrder(document: Omit<OrderDocument, 'ingest' | 'number'>): StoredOrder {
  const { _id, legacy, accountId, side, symbol, quantity, price, amount, currency, createdAt } = document;
  return storedOrder({
    id: _id.toHexString(),
    number: Number(legacy?.number ?? 0),
    accountId,
    side,
    symbol,
    quantity,
    price: Number(price.toString()),
    amount: Number(amount.toString()),
    currency,
    createdAt: new Date(createdAt.getTime() + ZONE.offsetMinutes * 60_000).toISOString().slice(0, -1),
  });
}

/** Counts the write intents that are not final, in the facade's own documents. */
export async function openIntents(db: Db): Promise<number> {
  const open = await db
    .collection<{ open: readonly unknown[] }>('migrationBuckets')
    .find({ 'open.id': { $exists: true } })
    .toArray();
  return open.reduce((count, bucket) => count + bucket.open.length, 0);
}

/** The accounts of clients begin so; others are those of the generated orders, and of the journey's own probes. */
export const CLIENT_ACCOUNTS = 'client-';

/** A write of a client. Its quantity is its serial, so that the stored order shows which write it was. */
export interface WrittenOrder {
  readonly accountId: string;
  /** Counts the writes of the account, from 1. A client sends a write after it has the outcome of the one before, or gave it up. */
  readonly serial: number;
  /** `undefined`: the side that stores it chooses one. */
  readonly id: string | undefined;
  /** When it was first sent, by the clock of the journey's log. */
  readonly begunAt: number;
  /** The acknowledged order; `undefined`: the outcome is not known, the order may be stored, now or later. */
  acked?: { readonly order: StoredOrder; readonly at: number };
}

/** All writes of all clients. */
export class WrittenOrders {
  private readonly byAccount = new Map<string, WrittenOrder[]>();

  begin(accountId: string, id: string | undefined, begunAt: number): WrittenOrder {
    const orders = this.byAccount.get(accountId) ?? [];
    this.byAccount.set(accountId, orders);
    const order: WrittenOrder = { accountId, serial: orders.length + 1, id, begunAt };
    orders.push(order);
    return order;
  }

  get accounts(): readonly string[] {
    return [...this.byAccount.keys()];
  }

  /** The writes of an account, in their order. */
  of(accountId: string): readonly WrittenOrder[] {
    return this.byAccount.get(accountId) ?? [];
  }

  get all(): readonly WrittenOrder[] {
    return [...this.byAccount.values()].flat();
  }

  get acknowledged(): readonly StoredOrder[] {
    return this.all.flatMap(({ acked }) => acked?.order ?? []);
  }
}

/** The body of `POST /orders`. */
export interface SentOrder {
  readonly id?: string;
  readonly accountId: string;
  readonly side: 'buy' | 'sell';
  readonly symbol: string;
  readonly quantity: number;
  readonly price: number;
  readonly currency: string;
  readonly createdAt?: string;
}

const INSTRUMENTS = [
  ['ACME', 'USD', 187.35],
  ['EVEN', 'EUR', 76.42],
  ['IRIS', 'GBP', 8.89],
  ['LUMA', 'JPY', 3_245],
] as const;
const YEAR_SECONDS = 365 * 24 * 3_600;
const FIRST_DAY = Date.UTC(2025, 0, 1);

/** Generates the content of a write: with a price of up to four decimals, and half of the time with a local time of its own. */
export function generateOrder({ id, accountId, serial }: WrittenOrder, draw: Draw): SentOrder {
  const [symbol, currency, price] = oneOf(INSTRUMENTS, draw);
  const createdAt = new Date(FIRST_DAY + draw(YEAR_SECONDS) * 1_000 + draw(1_000)).toISOString().slice(0, -1);
  return {
    ...(id !== undefined && { id }),
    accountId,
    side: oneOf(['buy', 'sell'], draw),
    symbol,
    quantity: serial,
    price: Number(((price * (90_000 + draw(20_000))) / 100_000).toFixed(4)),
    currency,
    ...(draw(2) === 0 && { createdAt }),
  };
}

/** Draws the next pseudo-random integer from 0 to `below` - 1. */
export type Draw = (below: number) => number;

/** Draws one of several. */
export function oneOf<T>(all: readonly T[], draw: Draw): T {
  const one = all[draw(all.length)];
  if (one === undefined) throw new RangeError('there is nothing to choose from');
  return one;
}

/** What both sides have when no intent is open, and what they must have. */
export interface StoredEvidence {
  /** What the legacy system had before the journey. */
  readonly old: StoredSide;
  readonly written: readonly WrittenOrder[];
  /** Every other order that a client was answered. */
  readonly sighted: StoredSide;
  readonly legacy: StoredSide;
  readonly new: StoredSide;
  /** From this time on, writes may go to the target only, by the clock of the journey's log; `Infinity`: not yet. */
  readonly targetOnlyFrom: number;
  /** Whether the target must have all orders: the backfill has ended. */
  readonly isCopied: boolean;
}

/** What is wrong, each case once, as a line of text. */
export interface StoredProblems {
  /** Orders that a client knows, or that were there before. */
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Orders that differ from the other side or from what was acknowledged, or that no client has written. */
  readonly differing: readonly string[];
  /** Orders of one side that the other must have, and that no client was acknowledged. */
  readonly onOneSide: readonly string[];
}

/** Judges what both sides have: nothing lost, duplicated, different, or never written. Uses no code of the product. */
export function storedProblems(evidence: StoredEvidence): StoredProblems {
  const { legacy, new: target } = evidence;
  const expected = expectedOrders(evidence);
  return {
    lost: unique(expected.filter(({ found }) => found === undefined).map(({ name }) => `${name} is missing`)),
    doubled: unique([...doubles('legacy', legacy), ...doubles('new', target)]),
    differing: unique([
      ...expected.flatMap(({ name, order, found }) =>
        found === undefined || found.text === order.text ? [] : [`${name} is ${found.text} instead of ${order.text}`],
      ),
      ...differences(evidence),
      ...neverWritten(evidence),
    ]),
    onOneSide: unique(onOneSide(evidence)),
  };
}

interface ExpectedOrder {
  readonly name: string;
  readonly order: StoredOrder;
  readonly found: StoredOrder | undefined;
}

/** Each old, acknowledged and seen order must be there as it was: on both sides, or on the side that had to have it. */
function expectedOrders({
  old,
  written,
  sighted,
  legacy,
  new: target,
  targetOnlyFrom,
  isCopied,
}: StoredEvidence): ExpectedOrder[] {
  const [onLegacy, onTarget] = [byId(legacy), byId(target)];
  const acked = written.flatMap((order) => order.acked ?? []);
  const expectedOnLegacy = [...old, ...acked.filter(({ at }) => at < targetOnlyFrom).map(({ order }) => order)];
  const expectedOnTarget = isCopied ? [...old, ...acked.map(({ order }) => order), ...sighted] : [];
  return [
    ...expectedOnLegacy.map((order) => ({ name: nameOf('legacy', order), order, found: onLegacy.get(order.id) })),
    ...expectedOnTarget.map((order) => ({ name: nameOf('new', order), order, found: onTarget.get(order.id) })),
  ];
}

function nameOf(side: string, { number, id }: StoredOrder): string {
  return `${side}: the known order ${number} (${id})`;
}

function doubles(side: string, orders: StoredSide): string[] {
  const keys = [
    ...repeated(orders.map(({ id }) => `id ${id}`)),
    ...repeated(orders.map(({ number }) => `number ${number}`)),
    ...repeated(orders.filter(isOfClient).map(writeOf)),
  ];
  return keys.map((key) => `${side}: ${key} is there twice`);
}

function repeated(keys: readonly string[]): string[] {
  const seen = new Set<string>();
  return keys.filter((key) => seen.size === seen.add(key).size);
}

function differences({ legacy, new: target }: StoredEvidence): string[] {
  const onTarget = byId(target);
  return legacy.flatMap((order) => {
    const other = onTarget.get(order.id) ?? order;
    return other.text === order.text ? [] : [`legacy: ${order.text}, new: ${other.text}`];
  });
}

/** Orders whose outcome no client knows must be on both sides or on neither. */
function onOneSide({ legacy, new: target, targetOnlyFrom, isCopied }: StoredEvidence): string[] {
  const [onLegacy, onTarget] = [byId(legacy), byId(target)];
  // Writes without an outcome that were sent before the end of the legacy system may have been admitted after it.
  const notOnLegacy = targetOnlyFrom === Infinity ? target.filter(({ id }) => !onLegacy.has(id)) : [];
  const notOnTarget = isCopied ? legacy.filter(({ id }) => !onTarget.has(id)) : [];
  return [
    ...notOnTarget.map(({ text }) => `only on the legacy system: ${text}`),
    ...notOnLegacy.map(({ text }) => `only on the target: ${text}`),
  ];
}

function neverWritten({ written, legacy, new: target }: StoredEvidence): string[] {
  const writes = new Map(written.map((order) => [`write ${order.serial} of ${order.accountId}`, order]));
  const isPhantom = (order: StoredOrder): boolean => {
    const write = writes.get(writeOf(order));
    return isOfClient(order) && (write === undefined || (write.id ?? order.id) !== order.id);
  };
  return [
    ...legacy.filter(isPhantom).map(({ text }) => `legacy: ${text} was never written`),
    ...target.filter(isPhantom).map(({ text }) => `new: ${text} was never written`),
  ];
}

function byId(side: StoredSide): ReadonlyMap<string, StoredOrder> {
  return new Map(side.map((order) => [order.id, order]));
}

function isOfClient({ accountId }: StoredOrder): boolean {
  return accountId.startsWith(CLIENT_ACCOUNTS);
}

function writeOf({ accountId, quantity }: StoredOrder): string {
  return `write ${quantity} of ${accountId}`;
}

function unique(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)];
}
