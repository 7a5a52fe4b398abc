import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import type { StoredOrder, StoredSide } from './stored-order.js';

const ORDERS_PER_FILE = 1_000;
const PRICE_DECIMALS = 4;

/** Reads the legacy system's files themselves, beside the legacy system: neither it nor the facade is asked. */
export class LegacyFiles {
  private readonly cache = new Map<string, { readonly version: string; readonly orders: StoredSide }>();

  /** @param offset of the legacy system's time zone, which has the same one all year, such as `+05:30` */
  constructor(
    private readonly folder: string,
    private readonly offset: string,
  ) {}

  /** Returns all orders. Each file is whole; two files are not of the same moment. */
  async all(): Promise<StoredSide> {
    const names = (await readdir(this.folder)).filter((name) => /^\d+\.json$/.test(name));
    const files = await Promise.all(names.map(async (name) => this.file(name)));
    return files.flat();
  }

  /** Returns whether the order with this number has this id now. */
  async has(number: number, id: string): Promise<boolean> {
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
    const records = JSON.parse(await readFile(path, 'utf8')) as readonly LegacyRecord[];
    const orders = records.map((record) => storedOf(record, this.offset));
    this.cache.set(name, { version, orders });
    return orders;
  }
}

/** Brings a record of the legacy system into the form of both sides. */
export function storedOf(record: LegacyRecord, offset: string): StoredOrder {
  const { id, number, accountId, side, symbol, quantity, price, amount, currency, createdAt } = record;
  const money = [price, amount].map((value) => value.toFixed(PRICE_DECIMALS));
  const at = new Date(`${createdAt}${offset}`).toISOString();
  return { id, number, accountId, quantity, content: [side, symbol, ...money, currency, at].join(' ') };
}
