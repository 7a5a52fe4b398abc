import { z } from 'zod';
import type { ConsumerHeartbeat } from '#orders/consumer/consumers.js';
import {
  ackedCount,
  ackedFaults,
  OPERATION_KINDS,
  type OperationDocument,
  ackedRanges,
  firstUnacked,
  generatedOrders,
} from '#orders/operation/operation.js';

/** A populate that is still being saved, as the OpenAPI document shows it. */
export const OPERATION_EXAMPLE = {
  id: '0193a7c2-5b1e-7c40-9a55-1c0de5a11ce5',
  kind: 'populate',
  status: 'succeeded',
  state: { code: 'saving', text: 'sent, saving 22 %' },
  interruption: null,
  seed: 42,
  count: 100_000,
  firstNumber: 1,
  chunkSize: 1_000,
  accounts: 100_000,
  from: '2026-01-30T12:00:00.000Z',
  to: '2026-01-31T12:00:00.000Z',
  faults: null,
  ackedFaults: null,
  requestedRatePerSecond: null,
  behindScheduleSeconds: null,
  waitingFor: null,
  generated: 100_000,
  acked: 100_000,
  ackedNumbers: [{ from: 1, to: 100_000 }],
  saved: 22_310,
  savedAsOf: '2026-01-31T12:00:04.000Z',
  archived: 0,
  savesWaitFor: null,
  deadLettered: 0,
  discarded: 0,
  import: null,
  redrive: null,
  requestedAt: '2026-01-31T12:00:00.000Z',
  startedAt: '2026-01-31T12:00:00.100Z',
  finishedAt: '2026-01-31T12:00:03.500Z',
  ratePerSecond: 29_411.8,
  etaSeconds: null,
  error: null,
  firstErrors: null,
};

/** Where an operation is, including the saves: `status` is only about publishing. */
const OperationStateSchema = z
  .object({
    code: z
      .enum([
        'reading',
        'receiving',
        'sending',
        'paused',
        'saving',
        'allSaved',
        'partlySaved',
        'noneSaved',
        'nothingSent',
        'failed',
      ])
      .describe(
        '`reading`: an import reads its files. `receiving`: an intake takes more orders. `sending`: some records are not sent yet. `saving`: all records are sent, some are not saved yet. `allSaved`, `partlySaved`, `noneSaved`: the result of each sent record is known. `nothingSent`: there was nothing to send. A cancelled operation is `saving` and then one of these four.',
      ),
    text: z
      .string()
      .describe('The same in words, with figures, for people.')
      .meta({ examples: ['sent, saving 22 %'] }),
  })
  .meta({ title: 'OperationState' });

const whole = z.int().min(0);
const fraction = z.number().min(0).max(1);
export const OPERATION_STATUSES = ['running', 'paused', 'succeeded', 'cancelled', 'failed'] as const;
/** Of a populate with faults. */
export const FaultCountsSchema = z
  .object({ poison: whole, oversized: whole, duplicate: whole, conflict: whole })
  .meta({ title: 'FaultCounts' });
const date = z.iso.datetime();

/** The API response for an operation. Unknown values are `null`, never 0. */
export const OperationResponseSchema = z
  .object({
    id: z.uuid(),
    kind: z.enum(OPERATION_KINDS),
    status: z
      .enum(OPERATION_STATUSES)
      .describe(
        'The status of publishing. `succeeded`: Kafka has acknowledged all records; saving may still be in progress, see `state`.',
      ),
    state: OperationStateSchema,
    interruption: z
      .enum(['pause', 'cancel'])
      .nullable()
      .describe('A requested interruption that is pending because a chunk is in progress.'),
    seed: whole.nullable().describe('Only for a populate.'),
    count: whole
      .nullable()
      .describe(
        'Number of orders, or of dead letters for a redrive. Null while an import reads its files. An intake has as many as were accepted so far, within the last second.',
      ),
    firstNumber: whole
      .nullable()
      .describe(
        'Number of the first order; the others follow without gaps. Null if there are no orders yet, and for an intake, whose numbers have gaps.',
      ),
    chunkSize: whole,
    accounts: whole.nullable().describe('Only for a populate.'),
    from: date.nullable().describe('Only for a populate.'),
    to: date.nullable().describe('Only for a populate.'),
    faults: z
      .object({ poison: fraction, oversized: fraction, duplicate: fraction, conflict: fraction })
      .meta({ title: 'FaultFractions' })
      .nullable()
      .describe('Fractions of deliberately faulty orders; null if there are none.'),
    ackedFaults: FaultCountsSchema.nullable().describe(
      'Deliberately faulty records that Kafka has acknowledged. `poison` and `oversized` replace orders and are counted in `acked`; `duplicate` and `conflict` are extra records. All but `duplicate` become dead letters.',
    ),
    requestedRatePerSecond: z.number().nullable(),
    behindScheduleSeconds: z
      .number()
      .nullable()
      .describe(
        'Seconds by which publishing is behind the requested rate. Null without a rate or when it is not running.',
      ),
    waitingFor: z
      .enum(['consumers'])
      .nullable()
      .describe('`consumers`: publishing waits until the consumer lag is below the setting LAG_CEILING.'),
    generated: whole.describe('Orders generated so far.'),
    acked: whole.describe('Orders that Kafka has acknowledged.'),
    ackedNumbers: z
      .array(z.object({ from: whole, to: whole }).meta({ title: 'NumberRange' }))
      .describe('Ranges of order numbers that Kafka has acknowledged; both ends are inclusive. Empty for an intake.'),
    saved: whole
      .nullable()
      .describe(
        'Orders saved by a majority of the MongoDB replica set. Never too high and never decreases. Consumers report it twice a second; it is counted exactly before an event stream ends, and when it stops rising below `acked`.',
      ),
    savedAsOf: date.describe('When `saved` was read, normally less than a second ago. All readers share one read.'),
    archived: whole
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
    deadLettered: whole
      .nullable()
      .describe(
        'Orders that are not saved and have a dead letter that is pending or being redriven. Up to 5 s older than `saved`, and older with millions of dead letters; exact once the operation has ended.',
      ),
    discarded: whole.nullable().describe('Orders whose dead letters were discarded.'),
    import: z
      .object({
        files: whole,
        known: whole.describe('Files with the same bytes as a file of an earlier import; they are not read.'),
        refused: whole.describe('Rejected files.'),
        rows: whole,
        accepted: whole,
        skipped: whole,
        conflicting: whole,
        malformed: whole,
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
        limit: whole.nullable(),
        maxRedrives: whole,
        moved: whole.describe('Dead letters sent again: saved + returned + missing + waiting.'),
        saved: whole,
        returned: whole.describe('Dead letters whose record was dead-lettered again.'),
        waiting: whole.describe('Dead letters whose record the consumers have not processed yet.'),
        missing: whole.describe(
          'Dead letters whose record the consumers have processed without saving or dead-lettering them. Always 0 unless there is a defect.',
        ),
        unmovable: whole.describe(
          'Dead letters not sent, because Kafka no longer has the record or rejects it. They stay dead letters.',
        ),
      })
      .meta({ title: 'RedriveProgress' })
      .nullable()
      .describe('Only for a redrive. It ends when the outcome of each dead letter is known.'),
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
      .array(z.object({ index: whole.nullable(), code: z.string(), message: z.string() }).meta({ title: 'OrderError' }))
      .nullable()
      .describe('Errors of the first dead letters, by order index. `index` is null if the record has none.'),
  })
  .meta({ title: 'Operation', examples: [OPERATION_EXAMPLE] });

/** How to continue a list: `next` is a path. */
export const NextPageSchema = z
  .object({
    size: whole,
    next: z.string().optional().describe('Path of the next page; absent on the last page.'),
  })
  .meta({ title: 'NextPage' });

/**
 * Returns a page of a list that was read up to one item beyond it, so that a full last page has no next one.
 * @param query as it was requested; the next page has the same filter
 * @param cursor the parameter with the place of the last item
 */
export function toPage<T>(
  read: readonly T[],
  path: string,
  query: { readonly pageSize: number },
  cursor: { readonly name: 'before' | 'after'; readonly placeOf: (item: T) => string },
): { items: T[]; page: z.infer<typeof NextPageSchema> } {
  const { pageSize: size, ...filter } = query;
  const items = read.slice(0, size);
  const last = items.at(-1);
  if (read.length <= size || last === undefined) return { items, page: { size } };
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...filter, pageSize: size }))
    if (name !== cursor.name && value !== undefined) parameters.set(name, String(value));
  parameters.set(cursor.name, cursor.placeOf(last));
  return { items, page: { size, next: `${path}?${parameters.toString()}` } };
}

export const OperationsPageSchema = z
  .object({ items: z.array(OperationResponseSchema), page: NextPageSchema })
  .meta({ title: 'OperationPage' });

export type OperationsPage = z.infer<typeof OperationsPageSchema>;

export type OperationResponse = z.infer<typeof OperationResponseSchema>;
type OperationState = OperationResponse['state'];
/** The fields that its state depends on, and others. */
export type StatedOperation = Omit<OperationResponse, 'state'>;

/** The fields that come from other collections than the operation's document. */
export type OperationFindings = Pick<
  OperationResponse,
  'saved' | 'savedAsOf' | 'archived' | 'deadLettered' | 'discarded' | 'firstErrors' | 'import' | 'redrive'
>;

/**
 * Builds the API response for an operation.
 * @param savesWaitFor what saves wait for at present, of any operation
 * @param now MongoDB's time
 */
export function toOperationResponse(
  operation: OperationDocument,
  findings: OperationFindings,
  savesWaitFor: string | null,
  now: Date,
): OperationResponse {
  const acked = findings.redrive?.moved ?? ackedCount(operation);
  const requested = toRequestFields(operation);
  const rate = ackedPerSecond(operation, acked, now);
  const response = {
    id: operation._id,
    kind: operation.kind,
    status: operation.status,
    interruption: operation.interruption ?? null,
    ...requested,
    chunkSize: operation.chunkSize,
    requestedRatePerSecond: operation.ratePerSecond,
    behindScheduleSeconds: behindScheduleSeconds(operation, now),
    waitingFor: operation.waitingFor ?? null,
    generated: findings.redrive?.moved ?? generatedCount(operation),
    acked,
    ackedNumbers: ackedNumbers(operation),
    saved: findings.saved,
    savedAsOf: findings.savedAsOf,
    archived: findings.archived,
    savesWaitFor: unknownResults(acked, findings) > 0 ? savesWaitFor : null,
    deadLettered: findings.deadLettered,
    discarded: findings.discarded,
    import: findings.import,
    redrive: findings.redrive,
    requestedAt: operation.requestedAt.toISOString(),
    startedAt: operation.startedAt?.toISOString() ?? null,
    finishedAt: operation.finishedAt?.toISOString() ?? null,
    ratePerSecond: rate === null ? null : Math.round(rate * 10) / 10,
    etaSeconds:
      operation.status !== 'running' || rate === null || operation.kind === 'intake'
        ? null
        : Math.ceil(((requested.count ?? 0) - acked) / rate),
    error: operation.error,
    firstErrors: findings.firstErrors,
  };
  const { id, kind, status, ...figures } = response;
  return { id, kind, status, state: operationState(response), ...figures };
}

/** The records that were sent and are neither saved nor dead letters yet. */
function unknownResults(acked: number, { saved, deadLettered, discarded, redrive }: OperationFindings): number {
  return redrive === null ? acked - (saved ?? 0) - (deadLettered ?? 0) - (discarded ?? 0) : redrive.waiting;
}

type RequestField = 'seed' | 'count' | 'firstNumber' | 'accounts' | 'from' | 'to' | 'faults' | 'ackedFaults';

function toRequestFields(operation: OperationDocument): Pick<OperationResponse, RequestField> {
  const nothing = { seed: null, accounts: null, from: null, to: null, faults: null, ackedFaults: null };
  if (operation.kind === 'redrive') return { ...nothing, count: operation.letters, firstNumber: null };
  if (operation.kind === 'intake') return { ...nothing, count: operation.count, firstNumber: null };
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

function generatedCount(operation: OperationDocument): number {
  return operation.kind === 'intake' ? operation.count : generatedOrders(operation.segments);
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

/** What became of the records that were sent. */
interface Results {
  readonly sent: number;
  readonly saved: number;
  /** The records that will not be saved, in words. */
  readonly unsaved: readonly (readonly [count: number, what: string])[];
}

/** Returns where an operation is, and how many of its orders are archived. Percentages are rounded down, so that only 100 % is complete. */
export function operationState(operation: StatedOperation): OperationState {
  const { code, text } = stateBefore(operation);
  return { code, text: operation.archived ? `${text}, ${grouped(operation.archived)} archived` : text };
}

/** Returns the state regardless of what was archived afterwards. */
function stateBefore(operation: StatedOperation): OperationState {
  const { kind, status, count, error, waitingFor } = operation;
  if (status === 'failed') return { code: 'failed', text: `failed: ${error?.message ?? 'unknown reason'}` };
  if (count === null) return { code: 'reading', text: 'reading the files' };
  const results = resultsOf(operation);
  if (kind === 'intake' && status === 'running') {
    const { text } = savedState(results, 'all');
    return { code: 'receiving', text: results.sent === 0 ? 'receiving orders' : `receiving orders, ${text}` };
  }
  const sent = percent(results.sent, count);
  if (status === 'running' && (results.sent < count || results.sent === 0)) {
    const saved = results.sent === 0 ? '' : `, ${savedState(results, 'all of it').text}`;
    return { code: 'sending', text: `sending ${sent}${saved}${waitingFor ? `, waiting for the ${waitingFor}` : ''}` };
  }
  if (status === 'paused')
    return { code: 'paused', text: `paused at ${sent}, ${savedState(results, 'all of it').text}` };
  if (status === 'cancelled') {
    const { code, text } = savedState(results, 'all of it');
    return { code, text: `cancelled at ${sent}, ${text}` };
  }
  const { code, text } = savedState(results, 'all');
  return { code, text: code === 'saving' ? `sent, ${text}` : text };
}

function resultsOf({ acked, saved, deadLettered, discarded, redrive }: StatedOperation): Results {
  if (redrive === null) {
    const unsaved = [
      [deadLettered ?? 0, 'dead-lettered'],
      [discarded ?? 0, 'discarded'],
    ] as const;
    return { sent: acked, saved: saved ?? 0, unsaved };
  }
  const unsaved = [
    [redrive.returned, 'dead-lettered again'],
    [redrive.missing, 'missing'],
    [redrive.unmovable, 'not movable'],
  ] as const;
  // Dead letters that can't be moved are not sent, but their result is known.
  return { sent: redrive.moved + redrive.unmovable, saved: redrive.saved, unsaved };
}

function savedState({ sent, saved, unsaved }: Results, all: string): OperationState {
  const ended = unsaved.reduce((sum, [count]) => sum + count, saved);
  if (ended < sent) return { code: 'saving', text: `saving ${percent(saved, sent)}` };
  if (sent === 0) return { code: 'nothingSent', text: 'nothing sent' };
  if (saved >= sent) return { code: 'allSaved', text: `${all} saved` };
  const others = unsaved.filter(([count]) => count > 0).map(([count, what]) => `${grouped(count)} ${what}`);
  if (saved === 0) return { code: 'noneSaved', text: `none saved: ${others.join(', ')}` };
  return { code: 'partlySaved', text: `${grouped(saved)} of ${grouped(sent)} saved, ${others.join(', ')}` };
}

function percent(part: number, total: number): string {
  return total === 0 ? '0 %' : `${Math.floor((100 * part) / total)} %`;
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

export type ConsumerReason = Pick<ConsumerHeartbeat, 'name' | 'state' | 'notReadyBecause'>;

/**
 * Returns what saves wait for: a consumer, if none is running, or the consumers that can not work, each with its reason.
 * @returns `null` if all work, or do so in a moment: they start, drain or rebalance
 */
export function waitText(consumers: readonly ConsumerReason[]): string | null {
  if (consumers.length === 0) return 'a consumer: none is running';
  const waiting = consumers.filter(({ state }) => state === 'waiting');
  return waiting.length === 0
    ? null
    : waiting.map(({ name, notReadyBecause }) => `${name}: ${notReadyBecause}`).join('; ');
}
