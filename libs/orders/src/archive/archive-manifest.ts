import { z } from 'zod';
import type { NumberRun } from './archived-ranges.js';

/**
 * Why an archive can't be made, read or brought back. The codes are stable.
 * - `archive-missing`: its file or its manifest is not in the folder
 * - `archive-damaged`: its file was cut short or altered
 * - `archive-newer`: a newer version of this program has made it
 * - `archive-differs`: it has other orders than MongoDB, or than the list of archived ranges says
 * - `archive-disk`: the folder can't be written
 * - `archive-busy`: another command archives or brings back
 * - `archive-refused`: nothing can be archived now
 * - `archive-interrupted`: the command was interrupted
 */
type ArchiveErrorCode =
  | 'archive-missing'
  | 'archive-damaged'
  | 'archive-newer'
  | 'archive-differs'
  | 'archive-disk'
  | 'archive-busy'
  | 'archive-refused'
  | 'archive-interrupted';

/** Thrown by everything that works with archives. Its message says what to do. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';

  constructor(
    readonly code: ArchiveErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The format that this version writes. It reads this one and earlier ones. */
export const ARCHIVE_FORMAT = 1;

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const run = z.object({ first: z.int().min(1), last: z.int().min(1) });

/** What an archive has: written beside its file, after it. */
const ArchiveManifestSchema = z.object({
  format: z.int().min(1),
  name: z.string().regex(/^[\w.-]{1,100}$/),
  operation: z.object({ id: z.uuid(), kind: z.enum(['populate', 'import', 'intake']) }),
  ...run.shape,
  runs: z.array(run).optional(),
  /** The lowest index in the operation. */
  from: count,
  /** Orders in the file. */
  count,
  discarded: count,
  elsewhere: count,
  /** The orders' BSON in the order of their indexes, as the runs are, uncompressed. */
  documents: z.object({ bytes: count, sha256 }),
  /** The compressed file. */
  file: z.object({ bytes: count, sha256 }),
  /** When the orders were saved: the first and the last time. */
  savedAt: z.object({ from: z.iso.datetime(), to: z.iso.datetime() }),
  writtenAt: z.iso.datetime(),
});

export type ArchiveManifest = z.infer<typeof ArchiveManifestSchema>;

/** Returns the name of an archive. Names sort as the numbers do, up to 999,999,999,999. */
export function archiveName({ first, last }: NumberRun): string {
  return `orders-${toDigits(first)}-${toDigits(last)}`;
}

function toDigits(number: number): string {
  return String(number).padStart(12, '0');
}

/** Parses a manifest. @throws ArchiveError `archive-newer`, or `archive-damaged` */
export function parseManifest(name: string, text: string): ArchiveManifest {
  const value = parsedJson(name, text);
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > ARCHIVE_FORMAT)
    throw new ArchiveError(
      'archive-newer',
      `The archive ${name} has format ${format}, this version reads up to ${ARCHIVE_FORMAT}: use the version that made it.`,
    );
  const { data, success, error } = ArchiveManifestSchema.safeParse(value);
  if (success && data.name === name) return data;
  const what = success ? `it is that of ${data.name}` : z.prettifyError(error);
  throw new ArchiveError('archive-damaged', `The manifest of ${name} is not valid: ${what}. ${WHAT_TO_DO}`);
}

/** What to do about a damaged archive. */
export const WHAT_TO_DO = 'Use another copy of the archive.';

function parsedJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ArchiveError('archive-damaged', `The manifest of ${name} is no JSON: ${String(cause)}. ${WHAT_TO_DO}`, {
      cause,
    });
  }
}
