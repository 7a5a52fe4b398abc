import { z } from 'zod';
import { ackedFaults, isEmitted, type OperationDocument } from '#orders/operation.js';
import { ackedOrders, ackedRanges, firstUnacked, generatedOrders } from '#orders/segments.js';

const count = z
  .int()
  .min(0)
  .meta({ examples: [100_000] });
const fraction = z.number().min(0).max(1);
const date = z.iso.datetime().meta({ examples: ['2026-01-31T12:00:00.000Z'] });

/** An operation as the API tells it. What isn't known is `null`, never 0. */
export const OperationResponseSchema = z
  .object({
    id: z.uuid(),
    kind: z.enum(['populate', 'import', 'redrive']),
    status: z
      .enum(['running', 'paused', 'succeeded', 'cancelled', 'failed'])
      .describe('Of the emitting: `succeeded` means that Kafka acknowledged all of it.'),
    interruption: z
      .enum(['pause', 'cancel'])
      .nullable()
      .describe('What is wanted of it and not done yet, while a chunk is in hand.'),
    seed: count.nullable().describe('Of a populate.'),
    count: count.nullable().describe('Its orders, or letters; null while the files of an import are being read.'),
    firstNumber: count
      .nullable()
      .describe('The number of its first order; the others follow without a gap. Null as long as there is none.'),
    chunkSize: count,
    accounts: count.nullable().describe('Of a populate.'),
    from: date.nullable().describe('Of a populate.'),
    to: date.nullable().describe('Of a populate.'),
    faults: z
      .object({
        poison: fraction,
        oversized: fraction,
        duplicate: fraction,
        conflict: fraction,
      })
      .nullable()
      .describe('Fractions of orders that are wrong on purpose; null: none.'),
    ackedFaults: z
      .object({ poison: count, oversized: count, duplicate: count, conflict: count })
      .nullable()
      .describe(
        'Records wrong on purpose that Kafka has acknowledged. `poison` and `oversized` stand in the place of orders and are counted in `acked`; `duplicate` and `conflict` are extra records. All but `duplicate` become dead letters.',
      ),
    requestedRatePerSecond: z.number().nullable(),
    behindScheduleSeconds: z
      .number()
      .nullable()
      .describe('How late the emission is by the rate that was asked for; null without one, or when it does not run.'),
    waitingFor: z
      .enum(['consumers'])
      .nullable()
      .describe('`consumers`: nothing is emitted until they are less far behind (setting LAG_CEILING).'),
    generated: count.describe('Orders made so far.'),
    acked: count.describe('Orders that Kafka has acknowledged.'),
    ackedNumbers: z
      .array(z.object({ from: count, to: count }))
      .describe('The order numbers that Kafka has acknowledged, as ranges; both ends belong to them.'),
    saved: count
      .nullable()
      .describe(
        'Orders that a majority of MongoDB has. Never exceeds the truth and never falls. Consumers report it twice a second; it is counted exactly before an event stream ends, and when it stands still below `acked`.',
      ),
    savedAsOf: date.describe('When `saved` was read, normally less than a second ago. All readers share one read.'),
    deadLettered: count.nullable().describe('Orders that could not be saved and wait among the dead letters.'),
    discarded: count.nullable().describe('Orders whose dead letters somebody has discarded: they wait no more.'),
    import: z
      .object({
        files: count,
        known: count.describe('Files that an import had before, byte for byte: nothing was read of them.'),
        refused: count.describe('Files that could not be read.'),
        rows: count,
        accepted: count,
        skipped: count,
        conflicting: count,
        malformed: count,
      })
      .nullable()
      .describe('Of an import: what its files have brought so far; more of it at /v1/imports/{id}.'),
    redrive: z
      .object({
        filter: z.object({
          id: z.string().optional(),
          errorCode: z.string().optional(),
          operationId: z.uuid().optional(),
        }),
        limit: count.nullable(),
        maxRedrives: count,
        moved: count.describe('Sent again: saved + returned + missing + waiting.'),
        saved: count,
        returned: count.describe('Among the dead letters again.'),
        waiting: count.describe('The consumers are not past them yet.'),
        missing: count.describe(
          'The consumers are past them, and they are neither saved nor back: a defect. Never expected.',
        ),
        unmovable: count.describe('Not sent: Kafka has their record no more, or refuses it. They stay dead letters.'),
      })
      .nullable()
      .describe('Of a redrive. It ends when it is known how each letter ended.'),
    requestedAt: date,
    startedAt: date.nullable(),
    finishedAt: date.nullable(),
    ratePerSecond: z.number().nullable().describe('Acknowledged per second since the start.'),
    etaSeconds: z.number().nullable().describe('Until all is acknowledged, at that rate.'),
    error: z.object({ code: z.string(), message: z.string() }).nullable().describe('Why it failed.'),
    firstErrors: z
      .array(z.object({ index: count.nullable(), code: z.string(), message: z.string() }))
      .nullable()
      .describe('Why orders of it were dead-lettered: the first few, by index (`null`: its record told none).'),
  })
  .meta({ title: 'Operation' });

export const OperationsPageSchema = z
  .object({
    items: z.array(OperationResponseSchema),
    page: z.object({
      size: count,
      next: z.string().optional().describe('The path of the next page; absent at the end.'),
    }),
  })
  .meta({ title: 'OperationsPage' });

export type OperationsPage = z.infer<typeof OperationsPageSchema>;

export type OperationResponse = z.infer<typeof OperationResponseSchema>;

/** What is found elsewhere at the time of the question. */
export type OperationFindings = Pick<
  OperationResponse,
  'saved' | 'savedAsOf' | 'deadLettered' | 'discarded' | 'firstErrors' | 'import' | 'redrive'
>;

export function operationResponse(
  operation: OperationDocument,
  findings: OperationFindings,
  now: Date,
): OperationResponse {
  const acked = findings.redrive?.moved ?? ackedOrders(operation.segments);
  const asked = whatIsAsked(operation);
  const rate = ackedPerSecond(operation, acked, now);
  return {
    id: operation._id,
    kind: operation.kind,
    status: operation.status,
    interruption: operation.interruption ?? null,
    ...asked,
    chunkSize: operation.chunkSize,
    requestedRatePerSecond: operation.ratePerSecond,
    behindScheduleSeconds: behindScheduleSeconds(operation, now),
    waitingFor: operation.waitingFor ?? null,
    generated: findings.redrive?.moved ?? generatedOrders(operation.segments),
    acked,
    ackedNumbers: ackedNumbers(operation),
    saved: findings.saved,
    savedAsOf: findings.savedAsOf,
    deadLettered: findings.deadLettered,
    discarded: findings.discarded,
    import: findings.import,
    redrive: findings.redrive,
    requestedAt: operation.requestedAt.toISOString(),
    startedAt: operation.startedAt?.toISOString() ?? null,
    finishedAt: operation.finishedAt?.toISOString() ?? null,
    ratePerSecond: rate === null ? null : Math.round(rate * 10) / 10,
    etaSeconds: operation.status !== 'running' || rate === null ? null : Math.ceil(((asked.count ?? 0) - acked) / rate),
    error: operation.error,
    firstErrors: findings.firstErrors,
  };
}

type Asked = 'seed' | 'count' | 'firstNumber' | 'accounts' | 'from' | 'to' | 'faults' | 'ackedFaults';

function whatIsAsked(operation: OperationDocument): Pick<OperationResponse, Asked> {
  const nothing = { seed: null, accounts: null, from: null, to: null, faults: null, ackedFaults: null };
  if (!isEmitted(operation)) return { ...nothing, count: operation.letters, firstNumber: null };
  if (operation.kind === 'import') {
    const isRead = operation.reading === null;
    const { count: orders, firstNumber } = operation;
    return { ...nothing, count: isRead ? orders : null, firstNumber: orders > 0 ? firstNumber : null };
  }
  const { seed, count: orders, firstNumber, accounts, from, to, faults } = operation;
  return {
    seed,
    count: orders,
    firstNumber,
    accounts,
    from: from.toISOString(),
    to: to.toISOString(),
    faults: faults ?? null,
    ackedFaults: faults ? ackedFaults(operation) : null,
  };
}

function behindScheduleSeconds(
  { status, ratePerSecond, schedule, segments }: OperationDocument,
  now: Date,
): number | null {
  const next = firstUnacked(segments);
  if (status !== 'running' || ratePerSecond === null || !schedule || next === undefined) return null;
  const due = (now.getTime() - schedule.at.getTime()) / 1_000;
  return Math.max(0, Math.round((due - (next - schedule.from) / ratePerSecond) * 10) / 10);
}

function ackedNumbers({ firstNumber, segments }: OperationDocument): { from: number; to: number }[] {
  return ackedRanges(segments).map(({ from, to }) => ({ from: firstNumber + from, to: firstNumber + to - 1 }));
}

function ackedPerSecond({ startedAt, finishedAt }: OperationDocument, acked: number, now: Date): number | null {
  if (startedAt === null || acked === 0) return null;
  const seconds = ((finishedAt ?? now).getTime() - startedAt.getTime()) / 1_000;
  return seconds > 0 ? acked / seconds : null;
}
