import { z } from 'zod';
import type { OperationDocument } from '#orders/operation.js';

const count = z
  .int()
  .min(0)
  .meta({ examples: [100_000] });
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
    seed: count,
    count: count.describe('Orders asked for.'),
    firstNumber: count.describe('The number of its first order; the others follow without a gap.'),
    chunkSize: count,
    accounts: count,
    from: date,
    to: date,
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
    saved: count.nullable().describe('Orders found in MongoDB by a majority read.'),
    deadLettered: count.nullable().describe('Orders that could not be saved and wait among the dead letters.'),
    requestedAt: date,
    startedAt: date.nullable(),
    finishedAt: date.nullable(),
    ratePerSecond: z.number().nullable().describe('Acknowledged per second since the start.'),
    etaSeconds: z.number().nullable().describe('Until all is acknowledged, at that rate.'),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
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

/** What is counted elsewhere at the time of the question. */
export interface OperationCounts {
  readonly saved: number | null;
  readonly deadLettered: number | null;
}

export function operationResponse(operation: OperationDocument, counts: OperationCounts, now: Date): OperationResponse {
  const rate = ackedPerSecond(operation, now);
  const left = operation.count - operation.acked;
  return {
    id: operation._id,
    kind: operation.kind,
    status: operation.status,
    interruption: operation.interruption ?? null,
    seed: operation.seed,
    count: operation.count,
    firstNumber: operation.firstNumber,
    chunkSize: operation.chunkSize,
    accounts: operation.accounts,
    from: operation.from.toISOString(),
    to: operation.to.toISOString(),
    requestedRatePerSecond: operation.ratePerSecond,
    behindScheduleSeconds: behindScheduleSeconds(operation, now),
    waitingFor: operation.waitingFor ?? null,
    generated: operation.generated,
    acked: operation.acked,
    ackedNumbers: ackedNumbers(operation),
    ...counts,
    requestedAt: operation.requestedAt.toISOString(),
    startedAt: operation.startedAt?.toISOString() ?? null,
    finishedAt: operation.finishedAt?.toISOString() ?? null,
    ratePerSecond: rate === null ? null : Math.round(rate * 10) / 10,
    etaSeconds: operation.status !== 'running' || rate === null ? null : Math.ceil(left / rate),
    error: operation.error,
  };
}

function behindScheduleSeconds(
  { status, ratePerSecond, schedule, acked }: OperationDocument,
  now: Date,
): number | null {
  if (status !== 'running' || ratePerSecond === null || !schedule) return null;
  const due = (now.getTime() - schedule.at.getTime()) / 1_000;
  return Math.max(0, Math.round((due - (acked - schedule.from) / ratePerSecond) * 10) / 10);
}

function ackedNumbers({ firstNumber, acked }: OperationDocument): { from: number; to: number }[] {
  return acked === 0 ? [] : [{ from: firstNumber, to: firstNumber + acked - 1 }];
}

function ackedPerSecond({ acked, startedAt, finishedAt }: OperationDocument, now: Date): number | null {
  if (startedAt === null || acked === 0) return null;
  const seconds = ((finishedAt ?? now).getTime() - startedAt.getTime()) / 1_000;
  return seconds > 0 ? acked / seconds : null;
}
