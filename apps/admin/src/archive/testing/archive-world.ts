import { Long, UUID, BSON } from 'mongodb';
import { orderGenerator } from '#orders/generator/generator.js';
import { toDocument } from '#orders/order/order-document.js';
import { BlockDigest } from '#reconcile/block-digest.js';
import type { Clock } from '@orders-pipeline/clock';
import { ArchiveRun, type ArchiveResult } from '../archive-run.js';
import { BringBack } from '../bring-back.js';
import { Pace } from '../pace.js';
import type { Piece } from '../piece.js';
import { FakeArchiveFolder } from './fake-archive-folder.js';
import { FakeArchiveStore } from './fake-archive-store.js';

const OPERATION = '01935c9e-8a00-7000-8000-000000000001';
const SAVED_AT = new Date('2026-01-15T12:00:00Z');
/** The second half of the orders are in another archive. */
const HALF = 5;
const COUNT = 2 * HALF;
const FIRST_NUMBER = 101;

/** Orders of an import in memory that can be archived and brought back, and crashes at chosen steps. */
export class ArchiveWorld {
  readonly store: FakeArchiveStore;
  readonly folder: FakeArchiveFolder;
  /** All orders, by number. */
  readonly all: ReadonlyMap<number, Buffer>;
  /** What was done, step by step. */
  readonly steps: string[] = [];
  /** The step that fails, from 1; `undefined`: none. */
  crashAt: number | undefined;
  private readonly clock: Clock;

  constructor() {
    const step = (name: string): void => {
      this.steps.push(name);
      if (this.steps.length === this.crashAt) throw new Error(`crash at ${name}`);
    };
    this.store = new FakeArchiveStore(step);
    this.folder = new FakeArchiveFolder(step);
    const all = documents();
    this.all = new Map(all.map((document, index) => [FIRST_NUMBER + index, document]));
    for (const [number, document] of this.all) this.store.orders.set(number, document);
    this.store.pieces = pieces(all);
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
    const { store, folder, clock } = this;
    const context = { store, folder, clock, before, removeAfterMs, pace: new Pace(clock, 100) };
    return new ArchiveRun({ ...context, signal: new AbortController().signal, print: () => undefined }).run();
  }

  async bringBack(): Promise<void> {
    const { store, folder, clock } = this;
    const work = new BringBack({ store, folder, pace: new Pace(clock, 100), signal: new AbortController().signal });
    for (const range of await store.ranges()) await work.run(range);
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

  /** Returns the names of all archives and the states of their ranges. */
  async states(): Promise<Record<string, string>> {
    return Object.fromEntries((await this.store.ranges()).map(({ archive, state }) => [archive, state]));
  }
}

function documents(): Buffer[] {
  const orderAt = orderGenerator({
    operationId: OPERATION,
    seed: 3,
    count: COUNT,
    firstNumber: FIRST_NUMBER,
    accounts: 9,
    from: new Date(0),
    to: new Date(1_000),
  });
  const ingest = { operationId: new UUID(OPERATION), partition: 0 };
  return Array.from({ length: COUNT }, (_, index) =>
    Buffer.from(
      BSON.serialize(
        toDocument(orderAt(index), { ...ingest, offset: Long.fromNumber(index), attempts: 1, savedAt: SAVED_AT }),
      ),
    ),
  );
}

/** Two pieces, as if the operation had two settled blocks. */
function pieces(all: readonly Buffer[]): Piece[] {
  const part = (from: number): Piece => {
    const ends = { first: FIRST_NUMBER + from, last: FIRST_NUMBER + from + HALF - 1 };
    const digest = new BlockDigest();
    for (const document of all.slice(from, from + HALF)) digest.add(document);
    return {
      operationId: OPERATION,
      kind: 'import',
      from,
      runs: [ends],
      ends,
      discarded: 0,
      elsewhere: 0,
      digest: digest.end(),
      verifiedAt: SAVED_AT,
    };
  };
  return [part(0), part(HALF)];
}
