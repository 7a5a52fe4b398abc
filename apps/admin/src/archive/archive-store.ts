import type { ArchivedRange, ArchivedState, NumberRun } from '#orders/archive/archived-ranges.js';
import type { Positions } from '#orders/topics/topics.js';
import type { Piece } from './piece.js';

/** A piece that may be archived, or why orders of an operation can't be. */
export type Candidate = { readonly piece: Piece } | { readonly left: string };

/** The offsets of the group that saves orders, and the ends of the topic, which are read after them. */
export interface SavedPositions {
  readonly committed: Positions;
  readonly ends: Positions;
}

/** What is read and changed while orders move. Each method can be repeated after a failure. `MongoOrdersStore` is the real one. */
export interface OrdersStore {
  /** MongoDB's time. */
  now(): Date;
  /** Returns the stored orders with these numbers as BSON, in the order of the runs, by majority reads. */
  documents(runs: readonly NumberRun[]): AsyncIterable<readonly Buffer[]>;
  /** Counts the stored orders with these numbers. */
  count(runs: readonly NumberRun[]): Promise<number>;
  /** Changes the state of a listed range. */
  change(range: ArchivedRange, state: ArchivedState): Promise<void>;
  /** Takes a range from the list. */
  unlist(range: ArchivedRange): Promise<void>;
  /** Stores the ids of archived orders that can't be computed. */
  storeIds(range: ArchivedRange, documents: readonly Buffer[]): Promise<void>;
  forgetIds(documents: readonly Buffer[]): Promise<void>;
  /** Removes exactly these orders. */
  remove(documents: readonly Buffer[]): Promise<void>;
  /** Inserts these orders, except those whose id or number is taken. */
  insert(documents: readonly Buffer[]): Promise<void>;
}

/** What archiving needs besides: which orders may be archived, and the list. `MongoArchiveStore` is the real one. */
export interface ArchiveStore extends OrdersStore {
  /** Returns all listed ranges, by number. */
  ranges(): Promise<readonly ArchivedRange[]>;
  /** Returns the settled blocks of ended operations that are not listed. */
  candidates(): AsyncIterable<Candidate>;
  positions(): Promise<SavedPositions>;
  /** Adds a range to the list, durably. */
  list(range: ArchivedRange): Promise<void>;
}
