import { z } from 'zod';
import type { OperationDocument } from '#orders/operation.js';
import type { ManifestFile, ManifestTotals } from '#orders/import-manifest.js';
import type { ImportReject } from './import-rejects.js';

const count = z.int().min(0);

const rowCounts = {
  rows: count.describe('Rows read so far; the four below make them up.'),
  accepted: count.describe('Orders of this import.'),
  skipped: count.describe('Orders that are there already with the same content.'),
  conflicting: count.describe('Orders that are there already with other content: set aside.'),
  malformed: count.describe('Rows that are no orders: set aside.'),
};

/** An import as the API tells it, beside its operation. */
export const ImportResponseSchema = z
  .object({
    id: z.uuid(),
    phase: z
      .enum(['reading', 'emitting', 'ended'])
      .describe('`reading`: its files; `emitting`: its orders, under a block of numbers that is reserved then.'),
    files: z.object({
      total: count,
      waiting: count,
      reading: count,
      read: count,
      refused: count.describe('Not read, for a reason.'),
      known: count.describe('Not read, since an import had the very same bytes before.'),
    }),
    ...rowCounts,
    links: z.object({ operation: z.string(), files: z.string(), rejects: z.string(), download: z.string() }),
  })
  .meta({ title: 'Import' });

export type ImportResponse = z.infer<typeof ImportResponseSchema>;

const page = z.object({
  size: count,
  next: z.string().optional().describe('The path of the next page; absent at the end.'),
});

export const ImportFilesSchema = z
  .object({
    items: z.array(
      z.object({
        file: count.describe('Its place in the import, from 0.'),
        name: z.string(),
        bytes: count.nullable(),
        sha256: z.string().nullable().describe('In hexadecimal; null, as `bytes`, when it was refused unread.'),
        state: z.enum(['waiting', 'reading', 'read', 'refused', 'known']),
        byteOffset: count.describe('How far it is read.'),
        ...rowCounts,
        reason: z.object({ code: z.string(), detail: z.string() }).nullable().describe('Why it was refused.'),
        knownFrom: z.uuid().nullable().describe('The import that had it before.'),
      }),
    ),
    page,
  })
  .meta({ title: 'ImportFiles' });

export const ImportRejectSchema = z
  .object({
    file: count.describe("The file's place in the import, from 0."),
    fileName: z.string(),
    row: count.describe('Its place in the file, from 0.'),
    byteOffset: count.describe('Where it begins in the file.'),
    code: z.string().describe('What is wrong with it; stable.'),
    field: z.string().optional(),
    detail: z.string(),
    text: z.string().describe('The row as it stands there, its first 4 KiB.'),
  })
  .meta({ title: 'ImportReject' });

export const ImportRejectsSchema = z
  .object({ items: z.array(ImportRejectSchema), page })
  .meta({ title: 'ImportRejects' });

export type ImportFiles = z.infer<typeof ImportFilesSchema>;
export type ImportRejectResponse = z.infer<typeof ImportRejectSchema>;
export type ImportRejectsPage = z.infer<typeof ImportRejectsSchema>;

export function importResponse(
  { _id, status, ...operation }: OperationDocument,
  { files, ...counts }: ManifestTotals,
): ImportResponse {
  const isOver = status !== 'running' && status !== 'paused';
  const isReading = 'reading' in operation && operation.reading !== null;
  const path = `/v1/imports/${_id}`;
  return {
    id: _id,
    phase: isOver ? 'ended' : isReading ? 'reading' : 'emitting',
    files: { ...files },
    ...counts,
    links: {
      operation: `/v1/operations/${_id}`,
      files: `${path}/files`,
      rejects: `${path}/rejects`,
      download: `${path}/rejects.ndjson`,
    },
  };
}

export function fileResponse({
  _id,
  content: _content,
  epoch: _epoch,
  ...file
}: ManifestFile): ImportFiles['items'][number] {
  return { file: _id.file, ...file };
}

export function rejectResponse({ _id: { file, row }, epoch: _epoch, ...reject }: ImportReject): ImportRejectResponse {
  return { file, row, ...reject };
}
