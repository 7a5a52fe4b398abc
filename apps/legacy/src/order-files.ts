import { mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

export const ORDERS_PER_FILE = 1_000;
/** A parsed file needs about 400 KiB. */
const CACHED_FILES = 128;
const TEMPORARY = '.tmp';

/** An order as its JSON text, and its id. */
interface StoredOrder {
  readonly id: string;
  readonly text: string;
}

/** The orders of a file by their numbers, ascending. */
type Chunk = ReadonlyMap<number, StoredOrder>;

/** Thrown when a file is no JSON array of orders with the numbers that belong into it. */
class BadFileError extends Error {
  override readonly name = 'BadFileError';
  readonly code = 'bad-file';
}

/** Thrown when a new version of a file may or may not survive a power failure: only a restart shows which one is there. */
class UncertainWriteError extends Error {
  override readonly name = 'UncertainWriteError';
}

/** Thrown when another order has the number. */
export class NumberInUseError extends Error {
  override readonly name = 'NumberInUseError';
  readonly statusCode = 409;
}

interface Write {
  readonly number: number;
  readonly order: StoredOrder;
  readonly done: PromiseWithResolvers<void>;
}

/** Returns the index of the file that an order number belongs into. */
export function fileOf(number: number): number {
  return Math.floor((number - 1) / ORDERS_PER_FILE);
}

/**
 * The folder of the legacy system: `k.json` is a JSON array with the orders 1000k + 1 to 1000k + 1000, one on a line. A file is
 * replaced as a whole, never written in place: a crash leaves the old or the new version.
 *
 * Orders are added by one replacement of a file after another. All orders that arrive while a file is being replaced are in its next
 * replacement, so that thousands of orders a second share some hundred syncs.
 */
export class OrderFiles {
  /** The last used files, with the version of the file on disk that each was read from. */
  private readonly cache = new Map<number, { readonly version: string; readonly chunk: Chunk }>();
  /** The waiting writes of each file that is being replaced. */
  private readonly waiting = new Map<number, Write[]>();

  private constructor(
    private readonly path: string,
    private readonly folder: FileHandle,
    private readonly onUncertain: (error: UncertainWriteError) => void,
  ) {}

  /**
   * Opens the folder, and creates it if necessary. Removes what a crash has left half written.
   * @param onUncertain called when the outcome of a write is unknown; it must end the process, and the write gets no answer
   */
  static async open(path: string, onUncertain: (error: UncertainWriteError) => void): Promise<OrderFiles> {
    await mkdir(path, { recursive: true });
    for (const name of await readdir(path)) if (name.endsWith(TEMPORARY)) await rm(join(path, name));
    return new OrderFiles(path, await open(path), onUncertain);
  }

  async close(): Promise<void> {
    await this.folder.close();
  }

  /** Returns the indexes of the files that exist, ascending. */
  async list(): Promise<number[]> {
    const names = await readdir(this.path);
    const indexes = names.flatMap((name) => /^(\d{1,7})\.json$/.exec(name)?.[1] ?? []);
    return indexes.map(Number).toSorted((a, b) => a - b);
  }

  /** Returns a file as it is; `undefined` if there is none. */
  async bytes(index: number): Promise<Buffer | undefined> {
    return ifExists(readFile(this.pathOf(index)));
  }

  /**
   * Returns the orders of a file. A file that was changed by another program is read again.
   * @throws BadFileError
   */
  async read(index: number): Promise<Chunk> {
    const version = await this.versionOf(index);
    const cached = this.cache.get(index);
    if (cached?.version === version) return cached.chunk;
    const bytes = await this.bytes(index);
    const chunk = bytes === undefined ? new Map<number, StoredOrder>() : parseChunk(bytes, index);
    this.keep(index, version, chunk);
    return chunk;
  }

  /**
   * Adds an order durably. Orders are added in the order of the calls.
   * @throws NumberInUseError; any other error means that the order is not stored
   */
  add(number: number, order: StoredOrder): Promise<void> {
    const write = { number, order, done: Promise.withResolvers<void>() };
    const index = fileOf(number);
    const waiting = this.waiting.get(index);
    if (waiting === undefined) {
      this.waiting.set(index, [write]);
      void this.commitAll(index);
    } else waiting.push(write);
    return write.done.promise;
  }

  private async commitAll(index: number): Promise<void> {
    // Writes of the same turn of the event loop are in the first replacement.
    await Promise.resolve();
    for (;;) {
      const batch = this.waiting.get(index)?.splice(0) ?? [];
      if (batch.length === 0) break;
      await this.commit(index, batch);
    }
    this.waiting.delete(index);
  }

  private async commit(index: number, batch: readonly Write[]): Promise<void> {
    try {
      const chunk = new Map(await this.read(index));
      const accepted = batch.filter(({ number, order, done }) => {
        const isTaken = chunk.has(number);
        if (isTaken) done.reject(new NumberInUseError(`number ${number} is in use`));
        else chunk.set(number, order);
        return !isTaken;
      });
      if (accepted.length > 0) await this.replace(index, new Map([...chunk].toSorted(([a], [b]) => a - b)));
      for (const { done } of accepted) done.resolve();
    } catch (error) {
      if (error instanceof UncertainWriteError) return this.onUncertain(error);
      for (const { done } of batch) done.reject(error);
    }
  }

  /**
   * Replaces a file durably: resolves when the new version survives a power failure. Not for concurrent calls for one file.
   * @throws UncertainWriteError when the outcome is unknown; any other error means that nothing has changed
   */
  private async replace(index: number, chunk: Chunk): Promise<void> {
    const path = this.pathOf(index);
    const temporary = `${path}${TEMPORARY}`;
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(`[\n${Array.from(chunk.values(), ({ text }) => text).join(',\n')}\n]\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    try {
      await rename(temporary, path);
      await this.folder.sync();
    } catch (cause) {
      throw new UncertainWriteError(`${path} was replaced with an unknown outcome: ${String(cause)}`, { cause });
    }
    this.keep(index, await this.versionOf(index), chunk);
  }

  private keep(index: number, version: string, chunk: Chunk): void {
    this.cache.delete(index);
    this.cache.set(index, { version, chunk });
    const [oldest] = this.cache.keys();
    if (this.cache.size > CACHED_FILES && oldest !== undefined) this.cache.delete(oldest);
  }

  private async versionOf(index: number): Promise<string> {
    const found = await ifExists(stat(this.pathOf(index), { bigint: true }));
    return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs}`;
  }

  private pathOf(index: number): string {
    return join(this.path, `${index}.json`);
  }
}

async function ifExists<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseChunk(bytes: Buffer, index: number): Chunk {
  const orders = parseArray(bytes, index).map((order): [number, StoredOrder] => {
    const { id, number } = (order ?? {}) as { id?: unknown; number?: unknown };
    if (typeof id !== 'string' || !Number.isSafeInteger(number) || fileOf(Number(number)) !== index)
      throw new BadFileError(`${index}.json has an order that does not belong into it: ${JSON.stringify(order)}`);
    return [Number(number), { id, text: JSON.stringify(order) }];
  });
  return new Map(orders.toSorted(([a], [b]) => a - b));
}

function parseArray(bytes: Buffer, index: number): unknown[] {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (Array.isArray(value)) return value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new BadFileError(`${index}.json is not JSON: ${cause.message}`, { cause });
  }
  throw new BadFileError(`${index}.json is not a JSON array`);
}
