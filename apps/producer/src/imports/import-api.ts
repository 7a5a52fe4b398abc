import { z } from 'zod';
import type { ManifestFile } from '#orders/imports/import-manifest.js';
import type { ManifestTotals, OperationDocument } from '#orders/operation/operation.js';
import { pageSizeParameter, queryInteger, queryNumber } from '#service/http/request-input.js';
import { NextPageSchema } from '../operations/operation-response.js';
import type { ImportReject, RowPlace } from './import-manifest.js';

/** The query of `POST /v1/imports`. The limits are the same as for a populate. */
export const ImportQuerySchema = z.strictObject({
  chunkSize: queryInteger(1, 5_000)
    .default(1_000)
    .meta({ default: 1_000 })
    .describe('Maximum number of orders per chunk; Kafka acknowledges each chunk before the next is sent.'),
  ratePerSecond: queryNumber(0.1, 10_000_000)
    .optional()
    .describe('Average orders per second since publishing began. Default: as fast as Kafka acknowledges.'),
});

export type ImportQuery = z.infer<typeof ImportQuerySchema>;

/** The JSON body of `POST /v1/imports`. */
export const FolderRequestSchema = z.strictObject({
  folder: z
    .string()
    .max(1_024)
    .describe('A folder relative to the allowed one (setting IMPORT_DIR); "." is the allowed folder itself.')
    .meta({ examples: ['2026-01'] }),
});

const pageSize = pageSizeParameter('Items', { maximum: 1_000, byDefault: 100 });

function after(form: RegExp) {
  return z
    .string()
    .regex(form, 'must be taken from `next` of another page')
    .optional()
    .describe('Cursor of the next page. Take it from `next`.');
}

/** `GET /v1/imports/{id}/files`. */
export const FilesQuerySchema = z.strictObject({
  after: after(/^\d{1,9}$/).transform((text) => (text === undefined ? -1 : Number(text))),
  pageSize,
});
export type FilesQuery = z.infer<typeof FilesQuerySchema>;

/** `GET /v1/imports/{id}/rejects`. The cursor is `<file>.<row>`. */
export const RejectsQuerySchema = z.strictObject({
  after: after(/^\d{1,9}\.\d{1,15}$/).transform((text): RowPlace => {
    const [file = -1, row = -1] = (text ?? '').split('.').filter(Boolean).map(Number);
    return { file, row };
  }),
  pageSize,
});
export type RejectsQuery = z.infer<typeof RejectsQuerySchema>;

const count = z.int().min(0);

const rowCounts = {
  rows: count.describe('Rows read so far: accepted + skipped + conflicting + malformed.'),
  accepted: count.describe('Orders that this import publishes.'),
  skipped: count.describe('Orders that already exist with the same content.'),
  conflicting: count.describe('Orders that already exist with other content; rejected.'),
  malformed: count.describe('Rows that are not valid orders; rejected.'),
};

/** The API response for an import; its operation has a separate resource. */
export const ImportResponseSchema = z
  .object({
    id: z.uuid(),
    phase: z
      .enum(['reading', 'emitting', 'ended'])
      .describe(
        '`reading`: reads the files; `emitting`: publishes the orders, with a reserved block of order numbers.',
      ),
    files: z
      .object({
        total: count,
        waiting: count,
        reading: count,
        read: count,
        refused: count.describe('Rejected; each file has a reason.'),
        known: count.describe('Not read, because an import has already read a file with the same bytes.'),
      })
      .meta({ title: 'ImportFileCounts' }),
    ...rowCounts,
    links: z
      .object({ operation: z.string(), files: z.string(), rejects: z.string(), download: z.string() })
      .meta({ title: 'ImportLinks' }),
  })
  .meta({ title: 'ImportProgress' });

export type ImportResponse = z.infer<typeof ImportResponseSchema>;

export const ImportFilesSchema = z
  .object({
    items: z.array(
      z
        .object({
          file: count.describe('Index of the file in the import, from 0.'),
          name: z.string(),
          bytes: count.nullable(),
          sha256: z
            .string()
            .nullable()
            .describe('In hexadecimal. Null, like `bytes`, when the file was rejected without being read.'),
          state: z.enum(['waiting', 'reading', 'read', 'refused', 'known']),
          byteOffset: count.describe('Number of bytes read so far.'),
          ...rowCounts,
          reason: z
            .object({ code: z.string(), detail: z.string() })
            .meta({ title: 'FileReason' })
            .nullable()
            .describe('Why the file was rejected.'),
          knownFrom: z.uuid().nullable().describe('The import that has already read this file.'),
        })
        .meta({ title: 'ImportFile' }),
    ),
    page: NextPageSchema,
  })
  .meta({ title: 'ImportFilePage' });

const ImportRejectSchema = z
  .object({
    file: count.describe('Index of the file in the import, from 0.'),
    fileName: z.string(),
    row: count.describe('Index of the row in the file, from 0.'),
    byteOffset: count.describe('Offset of the first byte of the row in the file.'),
    code: z.string().describe('Stable code of the reason.'),
    field: z.string().optional(),
    detail: z.string(),
    text: z.string().describe('The first 4 KiB of the row.'),
  })
  .meta({ title: 'ImportReject' });

export const ImportRejectsSchema = z
  .object({ items: z.array(ImportRejectSchema), page: NextPageSchema })
  .meta({ title: 'ImportRejectPage' });

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
