import type { Collection, Db } from 'mongodb';
import { requireIndexes } from '#service/mongodb/require-indexes.js';

/** The work that the facade does over all orders, one of each kind at a time. */
export const RUN_KINDS = ['verify', 'backfill'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** A verification or a backfill. Its progress is stored, so that any instance can continue it. */
export interface RunDocument<P = unknown, R extends string = string> {
  readonly _id: string;
  readonly kind: RunKind;
  readonly status: 'running' | 'ended' | 'cancelled';
  readonly progress: P;
  /** Set when it has ended. */
  readonly result: R | null;
  /** Why it can't go on at the moment. */
  readonly problem: string | null;
  /** Who has started it. */
  readonly by: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  /** The process that runs it. */
  readonly lease: { readonly owner: string; readonly expiresAt: Date } | null;
  /** Incremented by each claim: it fences the writes of earlier owners. */
  readonly epoch: number;
}

/** Something that a run has found, such as a difference. */
export interface FindingDocument {
  readonly run: string;
  /** The first number of the interval in which it was found. */
  readonly from: number;
  readonly finding: unknown;
}

export function runsCollection(db: Db): Collection<RunDocument> {
  return db.collection<RunDocument>('migrationRuns');
}

export function findingsCollection(db: Db): Collection<FindingDocument> {
  return db.collection<FindingDocument>('migrationFindings');
}

/** Verifies the indexes of both collections. @throws MissingIndexError */
export async function requireRunIndexes(db: Db): Promise<void> {
  await requireIndexes(db, ['migrationRuns', 'migrationFindings']);
}
