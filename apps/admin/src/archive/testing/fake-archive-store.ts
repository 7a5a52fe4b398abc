import { runsOf, type ArchivedRange, type ArchivedState, type NumberRun } from '#orders/archive/archived-ranges.js';
import { idIn, numberOf } from '#reconcile/stored-content.js';
import type { ArchiveStore, Candidate, SavedPositions } from '../archive-store.js';
import type { Piece } from '../piece.js';

/** Stores orders and the list in memory. */
export class FakeArchiveStore implements ArchiveStore {
  /** By number. */
  readonly orders = new Map<number, Buffer>();
  readonly listed = new Map<number, ArchivedRange>();
  /** Ids of archived orders, in hexadecimal. */
  readonly ids = new Set<string>();
  readonly left: string[] = [];
  readonly committed = new Map([[0, 1_000_000]]);
  pieces: readonly Piece[] = [];
  timeMs = Date.parse('2026-03-01T00:00:00Z');

  /** @param step called before each change, and may throw */
  constructor(private readonly step: (name: string) => void = () => undefined) {}

  now(): Date {
    return new Date(this.timeMs);
  }

  async ranges(): Promise<readonly ArchivedRange[]> {
    return [...this.listed.values()].toSorted((a, b) => a._id - b._id);
  }

  async *candidates(): AsyncGenerator<Candidate> {
    for (const left of this.left) yield { left };
    for (const piece of this.pieces) if (!this.listed.has(piece.ends.first)) yield { piece };
  }

  async *documents(runs: readonly NumberRun[]): AsyncGenerator<readonly Buffer[]> {
    const found = [...this.orders].filter(([number]) => isIn(runs, number)).toSorted(([a], [b]) => a - b);
    for (let at = 0; at < found.length; at += 2) yield found.slice(at, at + 2).map(([, document]) => document);
  }

  async count(runs: readonly NumberRun[]): Promise<number> {
    return [...this.orders.keys()].filter((number) => isIn(runs, number)).length;
  }

  async positions(): Promise<SavedPositions> {
    return { committed: this.committed, ends: new Map([[0, 1_000_000]]) };
  }

  async list(range: ArchivedRange): Promise<void> {
    this.step('list');
    if (!this.listed.has(range._id)) this.listed.set(range._id, range);
  }

  async change(range: ArchivedRange, state: ArchivedState): Promise<void> {
    this.step(`change to ${state}`);
    const known = this.listed.get(range._id);
    if (known !== undefined) this.listed.set(range._id, { ...known, state });
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

  /** Whether a number is listed, in any state. */
  isListed(number: number): boolean {
    return [...this.listed.values()].some((range) => isIn(runsOf(range), number));
  }
}

function isIn(runs: readonly NumberRun[], number: number): boolean {
  return runs.some(({ first, last }) => number >= first && number <= last);
}
