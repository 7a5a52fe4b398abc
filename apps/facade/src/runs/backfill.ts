import { createHash } from 'node:crypto';
import { Injectable, Controller } from '@nestjs/common';
import { z } from 'zod';
import { ApiTags } from '@nestjs/swagger';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { TranslationReason } from '#legacy/translation/translation-reason.js';
import { formatMoney } from '#orders/order/money.js';
import type { LegacyOrder } from '#orders/order/order.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { intervalFrom, type NumberInterval } from '../sides/side.js';
import type { ImportFile } from '../sides/target-side.js';
import { type LegacyRows, skipEmpty } from './side-readers.js';
import { StoredRuns, type RunDocument, type RunWork } from './stored-runs.js';
import { runFields, runResponse, HighestNumber, runsController } from './runs-controller.js';

/** An order of the legacy system that has no exact translation. */
export interface UntranslatedOrder {
  readonly number: number | null;
  readonly id: string | null;
  readonly reason: TranslationReason;
}

/** The translated orders of an interval: the file of an import, and what could not be translated. */
interface TranslatedRows {
  /** A JSON array of rows as `POST /v1/imports` takes them, with every field: the import fills in nothing. */
  readonly file: string;
  readonly translated: number;
  readonly untranslated: readonly UntranslatedOrder[];
}

/** Translates rows of the legacy system for an import. Nothing is rounded, guessed or filled in. */
function translateRows(rows: LegacyRows, zone: LegacyTimeZone): TranslatedRows {
  const lines: string[] = [];
  const untranslated: UntranslatedOrder[] = [];
  for (const [index, row] of rows.strict().entries()) {
    const result = fromLegacy(row, zone);
    if ('order' in result) lines.push(importRow(result.order));
    else untranslated.push({ ...identify(rows.comparable[index]), reason: result.reason });
  }
  return { file: `[${lines.join(',\n')}]`, translated: lines.length, untranslated };
}

function importRow({ legacy, price, amount, createdAt, ...order }: LegacyOrder): string {
  return JSON.stringify({
    ...order,
    number: legacy.number,
    price: formatMoney(price),
    amount: formatMoney(amount),
    createdAt: createdAt.toISOString(),
  });
}

function identify(row: unknown): Pick<UntranslatedOrder, 'number' | 'id'> {
  const { number, id } = (typeof row === 'object' && row !== null ? row : {}) as { number?: unknown; id?: unknown };
  return { number: typeof number === 'number' ? number : null, id: typeof id === 'string' ? id.slice(0, 64) : null };
}

/** How many legacy numbers one import covers at most. Its files, about 30 MB, are held in memory. */
const IMPORT_NUMBERS = 100_000;

/** How far a backfill is. It is stored, so that another process can continue. */
interface BackfillProgress {
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
 * Copies the legacy system's orders to the target, from the stored progress on, by one import for each 100,000 numbers. Orders
 * that the target has already, such as those of dual writes, are skipped by the imports.
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

/** `imported`: every order is part of an import. `incomplete`: some have no exact translation. */
type BackfillResult = 'imported' | 'incomplete';

/** The backfills, in MongoDB, and the orders that they could not translate. */
@Injectable()
export class BackfillRuns extends StoredRuns<BackfillProgress, BackfillResult, UntranslatedOrder> {
  constructor(mongo: Mongo) {
    super(mongo, 'backfill');
  }
}

/** Returns a function that runs a stored backfill, and stores which orders have no translation. */
export function backfillWork(
  runs: BackfillRuns,
  sides: Omit<BackfillContext, 'record'>,
): RunWork<BackfillProgress, BackfillResult> {
  return async (run, signal) => {
    let { next: from } = run.progress;
    const record = async (untranslated: readonly UntranslatedOrder[], progress: BackfillProgress): Promise<void> => {
      await runs.findings.replace(run._id, from, untranslated, progress.untranslated - untranslated.length);
      await runs.save(run, progress);
      from = progress.next;
    };
    const progress = await runBackfill(run.progress, { ...sides, record }, signal);
    return { progress, result: progress.untranslated > 0 ? 'incomplete' : 'imported' };
  };
}

const BackfillSchema = z
  .object({
    ...runFields,
    result: z
      .enum(['imported', 'incomplete'])
      .nullable()
      .describe(
        '`incomplete`: some orders have no exact translation. Repair them in the legacy system, and start again.',
      ),
    translated: z.int().min(0).describe('How many orders the imports contain.'),
    untranslated: z.int().min(0).describe('How many orders have no exact translation.'),
    operationIds: z.array(z.string()).describe('The imports, operations of the producer. They go on by themselves.'),
  })
  .meta({ title: 'Backfill' });
type BackfillResponse = z.infer<typeof BackfillSchema>;

const UntranslatedOrdersSchema = z
  .object({
    items: z.array(
      z
        .object({
          number: z.int().nullable().describe('The legacy number.'),
          id: z.string().nullable(),
          reason: z.object({
            code: z.string(),
            field: z.string().optional(),
            value: z.string().optional(),
            detail: z.string(),
          }),
        })
        .meta({ title: 'UntranslatedOrder' }),
    ),
  })
  .meta({ title: 'UntranslatedOrders' });

function backfillResponse(run: RunDocument<BackfillProgress, BackfillResult>): BackfillResponse {
  const { translated, untranslated, operationIds } = run.progress;
  return { ...runResponse(run), result: run.result, translated, untranslated, operationIds: [...operationIds] };
}

const BackfillRoutes = runsController({
  kind: 'backfill',
  noun: 'backfill',
  schema: BackfillSchema,
  start: {
    summary: "Copy the legacy system's orders to the target",
    description:
      'Translates all orders up to the highest legacy number at the start, and starts an import for each 100,000 numbers. ' +
      'It runs in the background beside dual writes and survives restarts. Orders that the target has already are skipped. ' +
      'Nothing is rounded or filled in: an order without an exact translation is listed in `untranslated`.',
  },
  begin: newBackfill,
  response: backfillResponse,
  findings: {
    path: 'untranslated',
    operation: { operationId: 'listUntranslated', summary: 'List the orders without an exact translation, by number' },
    schema: UntranslatedOrdersSchema,
  },
  cancel: { description: 'Imports that it has started go on.' },
});

@ApiTags('backfill')
@Controller('v1/migration/backfill')
export class BackfillController extends BackfillRoutes {
  constructor(
    protected readonly runs: BackfillRuns,
    protected readonly highest: HighestNumber,
  ) {
    super();
  }
}
