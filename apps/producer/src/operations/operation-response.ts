import { z } from 'zod';
import { OPERATION_KINDS } from '#orders/operation/operation.js';
import { OPERATION_EXAMPLE } from './operation-example.js';
import { OperationStateSchema } from './operation-state.js';

const count = z.int().min(0);
const fraction = z.number().min(0).max(1);
const date = z.iso.datetime();

/** The API response for an operation. Unknown values are `null`, never 0. */
export const OperationResponseSchema = z
  .object({
    id: z.uuid(),
    kind: z.enum(OPERATION_KINDS),
    status: z
      .enum(['running', 'paused', 'succeeded', 'cancelled', 'failed'])
      .describe(
        'The status of the emission. `succeeded`: Kafka has acknowledged all records; saving may still be in progress, see `state`.',
      ),
    state: OperationStateSchema,
    interruption: z
      .enum(['pause', 'cancel'])
      .nullable()
      .describe('A requested interruption that is pending because a chunk is in progress.'),
    seed: count.nullable().describe('Only for a populate.'),
    count: count
      .nullable()
      .describe(
        'Number of orders, or of dead letters for a redrive. Null while an import reads its files. An intake has as many as were accepted so far, within the last second.',
      ),
    firstNumber: count
      .nullable()
      .describe(
        'Number of the first order; the others follow without gaps. Null if there are no orders yet, and for an intake, whose numbers have gaps.',
      ),
    chunkSize: count,
    accounts: count.nullable().describe('Only for a populate.'),
    from: date.nullable().describe('Only for a populate.'),
    to: date.nullable().describe('Only for a populate.'),
    faults: z
      .object({
        poison: fraction,
        oversized: fraction,
        duplicate: fraction,
        conflict: fraction,
      })
      .meta({ title: 'FaultFractions' })
      .nullable()
      .describe('Fractions of deliberately faulty orders; null if there are none.'),
    ackedFaults: z
      .object({ poison: count, oversized: count, duplicate: count, conflict: count })
      .meta({ title: 'FaultCounts' })
      .nullable()
      .describe(
        'Deliberately faulty records that Kafka has acknowledged. `poison` and `oversized` replace orders and are counted in `acked`; `duplicate` and `conflict` are extra records. All but `duplicate` become dead letters.',
      ),
    requestedRatePerSecond: z.number().nullable(),
    behindScheduleSeconds: z
      .number()
      .nullable()
      .describe(
        'Seconds by which the emission is behind the requested rate. Null without a rate or when it is not running.',
      ),
    waitingFor: z
      .enum(['consumers'])
      .nullable()
      .describe('`consumers`: the emission waits until the consumer lag is below the setting LAG_CEILING.'),
    generated: count.describe('Orders generated so far.'),
    acked: count.describe('Orders that Kafka has acknowledged.'),
    ackedNumbers: z
      .array(z.object({ from: count, to: count }).meta({ title: 'NumberRange' }))
      .describe('Ranges of order numbers that Kafka has acknowledged; both ends are inclusive. Empty for an intake.'),
    saved: count
      .nullable()
      .describe(
        'Orders saved by a majority of the MongoDB replica set. Never too high and never decreases. Consumers report it twice a second; it is counted exactly before an event stream ends, and when it stops rising below `acked`.',
      ),
    savedAsOf: date.describe('When `saved` was read, normally less than a second ago. All readers share one read.'),
    archived: count
      .nullable()
      .describe(
        'Of the saved orders, those that were moved from MongoDB to archives: the query API does not return them. Null for a redrive.',
      ),
    savesWaitFor: z
      .string()
      .nullable()
      .describe(
        'What saves wait for, as text: a consumer, if none is running, or each consumer that can not work, with its reason. `null`: all work, or every result is known.',
      ),
    deadLettered: count
      .nullable()
      .describe(
        'Orders that are not saved and have a dead letter that is pending or being redriven. Up to 5 s older than `saved`, and older with millions of dead letters; exact once the operation has ended.',
      ),
    discarded: count.nullable().describe('Orders whose dead letters were discarded.'),
    import: z
      .object({
        files: count,
        known: count.describe('Files with the same bytes as a file of an earlier import; they are not read.'),
        refused: count.describe('Rejected files.'),
        rows: count,
        accepted: count,
        skipped: count,
        conflicting: count,
        malformed: count,
      })
      .meta({ title: 'ImportCounts' })
      .nullable()
      .describe('Only for an import: its reading progress. Details are at /v1/imports/{id}.'),
    redrive: z
      .object({
        filter: z
          .object({
            id: z.string().optional(),
            errorCode: z.string().optional(),
            operationId: z.uuid().optional(),
          })
          .meta({ title: 'DeadLetterFilter' }),
        limit: count.nullable(),
        maxRedrives: count,
        moved: count.describe('Letters sent again: saved + returned + missing + waiting.'),
        saved: count,
        returned: count.describe('Letters that were dead-lettered again.'),
        waiting: count.describe('Letters that the consumers have not processed yet.'),
        missing: count.describe(
          'Letters that the consumers have processed without saving or dead-lettering them. Always 0 unless there is a defect.',
        ),
        unmovable: count.describe(
          'Letters not sent, because Kafka no longer has the record or rejects it. They stay dead letters.',
        ),
      })
      .meta({ title: 'RedriveProgress' })
      .nullable()
      .describe('Only for a redrive. It ends when the outcome of each letter is known.'),
    requestedAt: date,
    startedAt: date.nullable(),
    finishedAt: date.nullable(),
    ratePerSecond: z.number().nullable().describe('Acknowledged orders per second since the start.'),
    etaSeconds: z.number().nullable().describe('Estimated seconds until all orders are acknowledged.'),
    error: z
      .object({ code: z.string(), message: z.string() })
      .meta({ title: 'OperationError' })
      .nullable()
      .describe('Why the operation failed.'),
    firstErrors: z
      .array(z.object({ index: count.nullable(), code: z.string(), message: z.string() }).meta({ title: 'OrderError' }))
      .nullable()
      .describe('Errors of the first dead letters, by order index. `index` is null if the record has none.'),
  })
  .meta({ title: 'Operation', examples: [OPERATION_EXAMPLE] });

/** How to continue a list: `next` is a path. */
export const NextPageSchema = z
  .object({
    size: count,
    next: z.string().optional().describe('Path of the next page; absent on the last page.'),
  })
  .meta({ title: 'NextPage' });

export const OperationsPageSchema = z
  .object({
    items: z.array(OperationResponseSchema),
    page: NextPageSchema,
  })
  .meta({ title: 'OperationPage' });

export type OperationsPage = z.infer<typeof OperationsPageSchema>;

export type OperationResponse = z.infer<typeof OperationResponseSchema>;

/** The fields that come from other collections than the operation's document. */
export type OperationFindings = Pick<
  OperationResponse,
  'saved' | 'savedAsOf' | 'archived' | 'deadLettered' | 'discarded' | 'firstErrors' | 'import' | 'redrive'
>;
