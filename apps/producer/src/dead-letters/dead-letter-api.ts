import type { Filter } from 'mongodb';
import { z } from 'zod';
import type { DeadLetterDocument } from '#orders/dead-letter/dead-letters.js';
import type { DeadLetterFilter } from '#orders/operation/operation.js';
import { pageSizeParameter } from '#service/http/request-input.js';
import { NextPageSchema } from '../operations/operation-response.js';

const STATES = ['pending', 'redriving', 'saved', 'discarded'] as const;

/** A dead letter's id in a body or a query. */
export const DeadLetterIdSchema = z
  .string()
  .regex(/^[\w.-]{1,249}\/\d{1,6}\/\d{1,16}$/, 'must be the id of a dead letter, such as orders.v1/3/4711');

/** An error code; spaces around it make no difference, as in the text filters of orders. */
const ErrorCodeSchema = z
  .string()
  .trim()
  .min(1)
  .max(200)
  // oxlint-disable-next-line no-control-regex -- the expression rejects control characters
  .regex(/^[^\u0000-\u001f\u007f]+$/, 'must be text without control characters');

const operationIdText = z.guid('must be the id of an operation').toLowerCase();

export const DeadLetterFilterFields = {
  errorCode: ErrorCodeSchema.optional().describe(
    'Only dead letters with this error code, such as conflict. Spaces around it make no difference.',
  ),
  operationId: operationIdText.optional().describe('Only dead letters of orders of this operation.'),
};

/** `GET /v1/dead-letters`. */
export const DeadLetterGroupsQuerySchema = z.strictObject({
  state: z.enum(STATES).default('pending').describe('Only dead letters in this state.'),
  ...DeadLetterFilterFields,
});

/** `GET /v1/dead-letters/records`. */
export const DeadLettersQuerySchema = z.strictObject({
  state: z.enum(STATES).optional().describe('Only dead letters in this state.'),
  ...DeadLetterFilterFields,
  redriveId: operationIdText.optional().describe('Only dead letters of this redrive.'),
  after: DeadLetterIdSchema.optional().describe('Cursor of the next page. Take it from `next`.'),
  pageSize: pageSizeParameter('Letters', { maximum: 100, byDefault: 20 }),
});

export type DeadLetterGroupsQuery = z.infer<typeof DeadLetterGroupsQuerySchema>;
export type DeadLettersQuery = z.infer<typeof DeadLettersQuerySchema>;

/** Converts a filter to a MongoDB filter. */
export function toMongoFilter({
  id,
  errorCode,
  operationId: operation,
}: { readonly [K in keyof DeadLetterFilter]: string | undefined }): Filter<DeadLetterDocument> {
  return {
    ...(id !== undefined && { _id: id }),
    ...(errorCode !== undefined && { 'error.code': errorCode }),
    ...(operation !== undefined && { operationId: operation }),
  };
}

const count = z.int().min(0);
const date = z.iso.datetime();
const state = z.enum(STATES);
const position = z.object({ partition: count, offset: count }).meta({ title: 'RecordPosition' });
const error = z
  .object({ code: z.string().meta({ examples: ['unknown-schema'] }), message: z.string() })
  .meta({ title: 'DeadLetterError' });

/** Dead letters grouped by error code. */
export const DeadLetterGroupsSchema = z
  .object({
    state,
    total: count,
    items: z.array(
      z
        .object({
          errorCode: z.string().meta({ examples: ['unknown-schema'] }),
          count,
          operations: count.describe('Number of operations that the orders belong to.'),
          redriven: count.describe('Number of dead letters that were redriven before and were dead-lettered again.'),
          firstAt: date.describe('When the first of them was dead-lettered.'),
          lastAt: date.describe('When one of them failed last, also when a redrive returned it.'),
          example: z.object({ id: z.string(), message: z.string() }).meta({ title: 'DeadLetterExample' }),
        })
        .meta({ title: 'DeadLetterGroup' }),
    ),
  })
  .meta({ title: 'DeadLetterGroups' });

const fields = {
  id: z
    .string()
    .describe('Topic, partition and offset of the original record.')
    .meta({ examples: ['orders.v1/3/4711'] }),
  state,
  origin: position.extend({ topic: z.string(), timestamp: date }).meta({ title: 'RecordOrigin' }),
  letter: position.describe('Position on the dead-letter topic.'),
  operationId: z.uuid().nullable().describe('Null if the record does not come from an operation.'),
  index: count.nullable().describe('The index of the order in its operation, from 0.'),
  number: count.nullable().describe('The number of the order; null if its operation is unknown.'),
  fault: z.string().nullable().describe('The deliberate fault of the record.'),
  error: error.describe('The last error.'),
  attempts: count,
  deadLetteredAt: date,
  redrives: count.describe('Number of redrives of this dead letter.'),
  tries: z
    .array(
      z
        .object({
          redriveId: z.uuid(),
          at: date,
          sent: position.nullable().describe('Position of the new record on the orders topic.'),
          orderId: z.string().nullable(),
          outcome: z.enum(['saved', 'returned', 'unmovable', 'missing']).nullable().describe('Null if not known yet.'),
          endedAt: date.nullable(),
        })
        .meta({ title: 'RedriveTry' }),
    )
    .describe('The redrives of this dead letter, oldest first.'),
};

export const DeadLettersPageSchema = z
  .object({
    items: z.array(z.object(fields).meta({ title: 'DeadLetterSummary' })),
    page: NextPageSchema,
  })
  .meta({ title: 'DeadLetterPage' });

const bytes = z
  .object({
    size: count,
    base64: z.string().describe('The first 64 KiB.'),
    text: z.string().nullable().describe('The bytes as text; null if they are not UTF-8.'),
  })
  .meta({ title: 'RecordBytes' });

export const DeadLetterSchema = z
  .object({
    ...fields,
    record: z
      .object({
        timestamp: date,
        key: bytes.nullable(),
        value: bytes.nullable(),
        valueFrom: z
          .enum(['letter', 'source'])
          .describe('`source`: the value was too large for a dead letter and was read from the original record.'),
        headers: z.array(z.object({ name: z.string(), value: bytes }).meta({ title: 'RecordHeader' })),
      })
      .meta({ title: 'OriginalRecord' })
      .nullable()
      .describe('The original record; null if Kafka no longer has it.'),
    gone: z
      .enum(['letter-gone', 'value-gone'])
      .nullable()
      .describe(
        'Why there is no record: Kafka deleted the dead letter, or the original record whose value was too large for it.',
      ),
    decoded: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe('The decoded order, even if its values are invalid; null if it cannot be decoded.'),
    undecodable: error.nullable().describe('Why the record is not a valid order now; null if it is valid.'),
  })
  .meta({ title: 'DeadLetter' });

export type DeadLetterGroups = z.infer<typeof DeadLetterGroupsSchema>;
export type DeadLettersPage = z.infer<typeof DeadLettersPageSchema>;
export type DeadLetterResponse = z.infer<typeof DeadLetterSchema>;
export type DeadLetterItem = DeadLettersPage['items'][number];
type Bytes = z.infer<typeof bytes>;

const SHOWN_BYTES = 64 * 1024;

/** @param firstNumbers the number of the first order of each operation */
export function deadLetterItem(
  { _id, origin, tries = [], ...letter }: DeadLetterDocument,
  firstNumbers: ReadonlyMap<string, number>,
): DeadLetterItem {
  const { state: now, operationId, index, fault, error: reason, attempts, redrives = 0 } = letter;
  const firstNumber = operationId === null ? undefined : firstNumbers.get(operationId);
  return {
    id: _id,
    state: now,
    origin: { ...origin, timestamp: origin.timestamp.toISOString() },
    letter: letter.letter,
    operationId,
    index,
    number: firstNumber === undefined || index === null ? null : firstNumber + index,
    fault: fault ?? null,
    error: reason,
    attempts,
    deadLetteredAt: letter.deadLetteredAt.toISOString(),
    redrives,
    tries: tries.map(({ operationId: redriveId, at, endedAt, ...rest }) => ({
      redriveId,
      at: at.toISOString(),
      ...rest,
      endedAt: endedAt?.toISOString() ?? null,
    })),
  };
}

export function shownBytes(value: Buffer): Bytes {
  return { size: value.length, base64: value.subarray(0, SHOWN_BYTES).toString('base64'), text: toText(value) };
}

function toText(value: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(value.subarray(0, SHOWN_BYTES));
  } catch {
    return null;
  }
}
