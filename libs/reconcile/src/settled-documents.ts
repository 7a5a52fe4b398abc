import { unpackIndexes, unpackRuns, type NumberRun } from '#orders/settled/number-runs.js';
import type { SettledBlock } from '#orders/settled/settled-blocks.js';
import { BlockDigest } from './block-digest.js';
import type { CheckContext } from './check-context.js';
import { documentsOfRuns, groupsOf, numberIn } from './documents-of-runs.js';

/** An order of a settled block. */
export interface SettledPlace {
  readonly index: number;
  readonly number: number;
}

/** What is stored under the numbers of a settled block. */
export interface SettledDocuments {
  readonly digest: Buffer;
  /** The number of documents that the digest covers. */
  readonly count: number;
  /** Orders that were saved, and are not stored any more. */
  readonly missing: readonly SettledPlace[];
  /** Documents under numbers that had none when the block was verified. */
  readonly additional: readonly (SettledPlace & { readonly document: Buffer })[];
  /** Documents whose number another document has too. */
  readonly doubled: readonly Buffer[];
}

/** Reads the documents of a settled block and computes their digest. */
export async function settledDocuments(
  block: SettledBlock,
  { db, signal, onChecked }: CheckContext,
): Promise<SettledDocuments> {
  const digest = new BlockDigest();
  const absent = new Set(unpackIndexes(block.absent));
  const missing: SettledPlace[] = [];
  const additional: (SettledPlace & { readonly document: Buffer })[] = [];
  const doubled: Buffer[] = [];
  for (const runs of groupsOf(unpackRuns(block.runs))) {
    signal?.throwIfAborted();
    const documents = new Map<number, Buffer>();
    for (const document of await documentsOfRuns(db, runs)) {
      const number = numberIn(document);
      if (documents.has(number)) doubled.push(document);
      else documents.set(number, document);
    }
    for (const place of placesOf(runs)) {
      const document = documents.get(place.number);
      if (absent.has(place.index)) {
        if (document !== undefined) additional.push({ ...place, document });
      } else if (document === undefined) missing.push(place);
      else digest.add(document);
    }
    await onChecked?.(runs.reduce((sum, { count }) => sum + count, 0));
  }
  return { count: digest.documents, digest: digest.end(), missing, additional, doubled };
}

function* placesOf(runs: readonly NumberRun[]): Generator<SettledPlace> {
  for (const { from, first, count } of runs)
    for (let at = 0; at < count; at += 1) yield { index: from + at, number: first + at };
}
