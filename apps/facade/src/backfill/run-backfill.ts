import { createHash } from 'node:crypto';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { LegacyRows } from '../verify/legacy-rows.js';
import { intervalFrom, type NumberInterval } from '../sides/number-interval.js';
import { skipEmpty } from '../runs/skip-empty.js';
import type { ImportFile } from '../sides/new-imports.js';
import { translateRows, type UntranslatedOrder } from './translated-rows.js';

/** How many legacy numbers one import covers at most. Its files, about 30 MB, are held in memory. */
export const IMPORT_NUMBERS = 100_000;

/** How far a backfill is. It is stored, so that another process can continue. */
export interface BackfillProgress {
  /** The highest legacy number that is copied. */
  readonly upTo: number;
  /** All numbers below are part of an import, or untranslated. */
  readonly next: number;
  readonly translated: number;
  readonly untranslated: number;
  /** The ids of the imports. */
  readonly operationIds: readonly string[];
}

/** Returns the progress of a backfill that begins. */
export function newBackfill(upTo: number): BackfillProgress {
  return { upTo, next: 1, translated: 0, untranslated: 0, operationIds: [] };
}

/** What a backfill needs. */
export interface BackfillContext {
  /** Returns the legacy system's orders with these numbers. */
  readonly legacy: (interval: NumberInterval, signal: AbortSignal) => Promise<LegacyRows>;
  /** Returns whether the legacy system has no order with one of these numbers. They may be a million. */
  readonly isEmpty: (interval: NumberInterval, signal: AbortSignal) => Promise<boolean>;
  /** Starts an import; with a key that was used for the same files, returns that import. @returns the operation's id */
  readonly startImport: (files: readonly ImportFile[], key: string, signal: AbortSignal) => Promise<string>;
  readonly zone: LegacyTimeZone;
  /** Stores the orders of an import that have no translation, and the progress, in this order. */
  readonly record: (untranslated: readonly UntranslatedOrder[], progress: BackfillProgress) => Promise<void>;
}

/**
 * Copies the legacy system's orders to the new side, from the stored progress on, by one import for each 100,000 numbers. Orders
 * that the new side has already, such as those of dual writes, are skipped by the imports.
 * @returns the last progress. The imports go on by themselves
 * @throws Error if a side does not answer, or the signal aborts; a later call continues
 */
export async function runBackfill(
  start: BackfillProgress,
  context: BackfillContext,
  signal: AbortSignal,
): Promise<BackfillProgress> {
  let progress = start;
  while (progress.next <= progress.upTo) {
    const { files, translated, untranslated, next } = await readImport(progress, context, signal);
    const started = files.length === 0 ? [] : [await context.startImport(files, keyOf(files), signal)];
    progress = {
      upTo: progress.upTo,
      next,
      translated: progress.translated + translated,
      untranslated: progress.untranslated + untranslated.length,
      operationIds: progress.operationIds.concat(started),
    };
    await context.record(untranslated, progress);
  }
  return progress;
}

async function readImport(
  { next, upTo }: BackfillProgress,
  { legacy, isEmpty, zone }: BackfillContext,
  signal: AbortSignal,
): Promise<{ files: ImportFile[]; translated: number; untranslated: UntranslatedOrder[]; next: number }> {
  const files: ImportFile[] = [];
  const untranslated: UntranslatedOrder[] = [];
  let translated = 0;
  let from = next;
  while (from <= upTo && from < next + IMPORT_NUMBERS) {
    signal.throwIfAborted();
    const interval = intervalFrom(from, upTo);
    const rows = translateRows(await legacy(interval, signal), zone);
    if (rows.translated > 0) files.push({ name: `legacy-${interval.from}-${interval.to}.json`, content: rows.file });
    translated += rows.translated;
    untranslated.push(...rows.untranslated);
    from = interval.to + 1;
    if (rows.translated === 0 && rows.untranslated.length === 0)
      from = await skipEmpty(from, upTo, async (asked) => isEmpty(asked, signal));
  }
  return { files, translated, untranslated, next: from };
}

/** The same files have the same key: an import whose start was not recorded is found again, not started twice. */
function keyOf(files: readonly ImportFile[]): string {
  const hash = createHash('sha256');
  for (const { name, content } of files) hash.update(name).update(content);
  return `backfill-${hash.digest('hex')}`;
}
