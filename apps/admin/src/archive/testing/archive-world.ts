import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Long } from 'mongodb';
import type { Clock } from '@orders-pipeline/clock';
import { ArchiveError, parseManifest, type ArchiveManifest } from '#orders/archive/archive-manifest.js';
import { readDocuments, writeDocuments, type FileDigest } from '#orders/archive/archive-file.js';
import type { ArchiveFolder } from '#orders/archive/archive-folder.js';
import { runsOf, type ArchivedRange, type ArchivedState, type NumberRun } from '#orders/archive/archived-ranges.js';
import { anOrder } from '#orders/testing/an-order.js';
import { BlockDigest, idIn, numberOf } from '#reconcile/stored-content.js';
import { INGEST, storedOrder, TRACED } from '#reconcile/testing/stored-order.js';
import { Pace } from '../../pace.js';
import { ArchiveRun, bringBack, type ArchiveResult } from '../archive-run.js';
import type { ArchiveBlock, ArchiveStore, Candidate } from '../archive-store.js';

/** The second half of the orders are in another archive. */
const HALF = 5;
const FIRST_NUMBER = 101;

/** Orders of an import in memory that can be archived and brought back, and crashes at chosen steps. */
export class ArchiveWorld {
  readonly store: FakeArchiveStore;
  readonly folder: FakeArchiveFolder;
  /** The offsets of the consumers, by partition. */
  readonly committed = new Map([[0, 1_000_000]]);
  /** All orders, by number. */
  readonly all: ReadonlyMap<number, Buffer>;
  /** What was done, step by step. */
  readonly steps: string[] = [];
  /** What happens before a step takes effect, by the step's name. */
  readonly before = new Map<string, () => void>();
  /** The step that fails, from 1; `undefined`: none. */
  crashAt: number | undefined;
  private readonly clock: Clock;

  constructor() {
    const step = (name: string): void => {
      this.steps.push(name);
      this.before.get(name)?.();
      if (this.steps.length === this.crashAt) throw new Error(`crash at ${name}`);
    };
    this.store = new FakeArchiveStore(step);
    this.folder = new FakeArchiveFolder(step);
    this.all = new Map(Array.from({ length: 2 * HALF }, (_, index) => [FIRST_NUMBER + index, savedOrder(index)]));
    for (const [number, document] of this.all) this.store.orders.set(number, document);
    this.store.blocks = [halfFrom(0), halfFrom(HALF)];
    // Time passes only while something waits.
    this.clock = {
      now: () => 0,
      after: (milliseconds, run) => {
        this.store.timeMs += milliseconds;
        setImmediate(run);
        return () => undefined;
      },
    };
  }

  async archive(before = new Date('2026-02-01T00:00:00Z'), removeAfterMs = 15_000): Promise<ArchiveResult> {
    const ends = new Map([[0, 1_000_000]]);
    const positions = { committed: async () => this.committed, ends: async () => ends };
    const context = { ...this.context(), selection: { before }, positions, clock: this.clock, removeAfterMs };
    return new ArchiveRun({ ...context, print: () => undefined }).run();
  }

  async bringBack(): Promise<void> {
    for (const range of await this.store.ranges()) await bringBack(this.context(), range);
  }

  private context() {
    const { store, folder, clock } = this;
    return { store, folder, pace: new Pace(clock, 100), signal: new AbortController().signal };
  }

  /** Returns the orders that are neither stored nor in an archive, or that a replay would save again. */
  async problems(): Promise<string[]> {
    const archived = new Set((await this.folder.orders()).map((document) => document.toString('hex')));
    return [...this.all].flatMap(([number, document]) => {
      if (this.store.orders.has(number)) return [];
      if (!archived.has(document.toString('hex'))) return [`${number} is lost`];
      return this.store.isListed(number) ? [] : [`a replay saves ${number} again`];
    });
  }

  /** Returns the numbers of stored orders and of ids of archived ones, and the states of all ranges by the names of their archives. */
  async contents() {
    const states = (await this.store.ranges()).map(({ archive, state }) => [archive, state] as const);
    return { stored: this.store.orders.size, ids: this.store.ids.size, states: Object.fromEntries(states) };
  }
}

function savedOrder(index: number): Buffer {
  const order = anOrder({ number: FIRST_NUMBER + index });
  const trace = index % 2 === 0 && { trace: TRACED };
  return storedOrder(order, { ingest: { ...INGEST, partition: 0, offset: Long.fromNumber(index), ...trace } });
}

/** Returns a half of the orders as a block, as if it was one of two verified blocks of the operation. */
function halfFrom(from: number): ArchiveBlock {
  const ends = { first: FIRST_NUMBER + from, last: FIRST_NUMBER + from + HALF - 1 };
  const digest = new BlockDigest();
  for (let index = from; index < from + HALF; index += 1) digest.add(savedOrder(index));
  return {
    operationId: String(INGEST.operationId),
    kind: 'import',
    from,
    runs: [ends],
    ends,
    discarded: 0,
    elsewhere: 0,
    digest: digest.end(),
    verifiedAt: INGEST.savedAt,
  };
}

/** A folder in memory. Its files have the real format. */
class FakeArchiveFolder implements ArchiveFolder {
  readonly path = '/archives';
  readonly files = new Map<string, Buffer>();
  readonly manifests = new Map<string, string>();

  /** @param step called before each write, and may throw */
  constructor(private readonly step: (name: string) => void) {}

  async names(): Promise<string[]> {
    return [...this.manifests.keys()].toSorted();
  }

  async manifest(name: string): Promise<ArchiveManifest | undefined> {
    const text = this.manifests.get(name);
    return text === undefined ? undefined : parseManifest(name, text);
  }

  async write(name: string, batches: AsyncIterable<readonly Buffer[]>): Promise<FileDigest> {
    this.step('write');
    const file = new PassThrough();
    const [digest, bytes] = await Promise.all([writeDocuments(batches, file), buffer(file)]);
    this.files.set(name, bytes);
    return digest;
  }

  async complete(manifest: ArchiveManifest): Promise<void> {
    this.step('complete');
    this.manifests.set(manifest.name, JSON.stringify(manifest));
  }

  async *read(
    name: string,
    onEnd: (digest: FileDigest) => void = () => undefined,
  ): AsyncGenerator<readonly Buffer[], void, undefined> {
    const file = this.files.get(name);
    if (file === undefined) throw new ArchiveError('archive-missing', `there is no ${name}`);
    yield* readDocuments(name, Readable.from([file]), onEnd);
  }

  /** Changes one byte of a file, like a bad disk. */
  damage(name: string): void {
    const file = Buffer.from(this.files.get(name) ?? '');
    const middle = file.length >> 1;
    file[middle] = (file[middle] ?? 0) ^ 1;
    this.files.set(name, file);
  }

  /** Removes the last bytes of a file. */
  cutShort(name: string): void {
    this.files.set(name, Buffer.from(this.files.get(name) ?? '').subarray(0, -9));
  }

  /** Returns all orders that are in complete archives. */
  async orders(): Promise<Buffer[]> {
    const orders: Buffer[] = [];
    for (const name of this.manifests.keys()) for await (const some of this.read(name)) orders.push(...some);
    return orders;
  }
}

/** Stores orders and the list in memory. */
class FakeArchiveStore implements ArchiveStore {
  /** By number. */
  readonly orders = new Map<number, Buffer>();
  readonly listed = new Map<number, ArchivedRange>();
  /** Ids of archived orders, in hexadecimal. */
  readonly ids = new Set<string>();
  readonly left: string[] = [];
  blocks: readonly ArchiveBlock[] = [];
  timeMs = Date.parse('2026-03-01T00:00:00Z');

  /** @param step called before each change, and may throw */
  constructor(private readonly step: (name: string) => void) {}

  now(): Date {
    return new Date(this.timeMs);
  }

  async ranges(): Promise<readonly ArchivedRange[]> {
    return [...this.listed.values()].toSorted((a, b) => a._id - b._id);
  }

  async *candidates(): AsyncGenerator<Candidate> {
    for (const left of this.left) yield { left };
    for (const block of this.blocks) if (!this.listed.has(block.ends.first)) yield { block };
  }

  async *documents(runs: readonly NumberRun[]): AsyncGenerator<readonly Buffer[]> {
    const found = [...this.orders].filter(([number]) => isIn(runs, number)).toSorted(([a], [b]) => a - b);
    for (let at = 0; at < found.length; at += 2) yield found.slice(at, at + 2).map(([, document]) => document);
  }

  async count(runs: readonly NumberRun[]): Promise<number> {
    return [...this.orders.keys()].filter((number) => isIn(runs, number)).length;
  }

  async list(range: ArchivedRange): Promise<void> {
    this.step('list');
    if (!this.listed.has(range._id)) this.listed.set(range._id, range);
  }

  async change(range: ArchivedRange, state: ArchivedState): Promise<void> {
    this.step(`change to ${state}`);
    this.relist(range._id, { state });
  }

  async unlist({ _id }: ArchivedRange): Promise<void> {
    this.step('unlist');
    this.listed.delete(_id);
  }

  async storeIds(_range: ArchivedRange, documents: readonly Buffer[]): Promise<void> {
    this.step('store ids');
    for (const document of documents) this.ids.add(idIn(document).toString('hex'));
  }

  async forgetIds(documents: readonly Buffer[]): Promise<void> {
    this.step('forget ids');
    for (const document of documents) this.ids.delete(idIn(document).toString('hex'));
  }

  async remove(documents: readonly Buffer[]): Promise<void> {
    this.step('remove');
    for (const document of documents) this.orders.delete(numberOf(document) ?? 0);
  }

  async insert(documents: readonly Buffer[]): Promise<void> {
    this.step('insert');
    for (const document of documents) {
      const number = numberOf(document) ?? 0;
      if (!this.orders.has(number)) this.orders.set(number, document);
    }
  }

  /** Changes a listed range. */
  relist(first: number, change: Partial<ArchivedRange>): void {
    const known = this.listed.get(first);
    if (known !== undefined) this.listed.set(first, { ...known, ...change });
  }

  /** Whether a number is listed, in any state. */
  isListed(number: number): boolean {
    return [...this.listed.values()].some((range) => isIn(runsOf(range), number));
  }
}

function isIn(runs: readonly NumberRun[], number: number): boolean {
  return runs.some(({ first, last }) => number >= first && number <= last);
}
