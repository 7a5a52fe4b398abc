import { z } from 'zod';
import type { DeadLetterDocument } from '#orders/dead-letter/dead-letters.js';
import type { Ingest } from '#orders/order/order-document.js';

const count = z.int().min(0);

/** What can happen to an order, in this order; a redrive begins again at `sent`. */
const CODES = [
  'requested',
  'sent',
  'dead-lettered',
  'redriven',
  'returned',
  'unmovable',
  'missing',
  'fetched',
  'taken',
  'started',
  'saved',
] as const;

export const OrderStepSchema = z
  .object({
    code: z
      .enum(CODES)
      .describe(
        '`requested`: the request of its operation; `sent`: Kafka appended its record; `dead-lettered`; `redriven`: a redrive selected its dead letter; `returned`: it was dead-lettered again; `unmovable`, `missing`: other outcomes of a redrive; `fetched`, `taken` from the fetch buffer and `started`, by the consumer; `saved`.',
      ),
    at: z.iso
      .datetime()
      .nullable()
      .describe('By the clock of the server or service that took the step; `null`: the time is not stored.'),
    partition: count.optional().describe('Of `sent`.'),
    offset: count.optional().describe('Of `sent`.'),
    attempts: count.optional().describe('Of `started`: its number. Of `dead-lettered`: how many failed.'),
    errorCode: z.string().optional().describe('Why it was dead-lettered last.'),
    letterId: z.string().optional().describe('Of `dead-lettered`: the id of the dead letter.'),
    redriveId: z.uuid().optional().describe('Of `redriven`: the id of the operation.'),
  })
  .meta({ title: 'OrderStep' });

export type OrderStep = z.infer<typeof OrderStepSchema>;

/** The used fields of the dead letter of an order. */
export type OrderLetter = Pick<
  DeadLetterDocument,
  '_id' | 'origin' | 'error' | 'attempts' | 'deadLetteredAt' | 'tries'
>;

/** What is stored of a saved order. */
interface SavedHistory {
  /** `null`: unknown. `undefined`: no operation was requested. */
  readonly requestedAt: Date | null | undefined;
  /** `undefined`: it was never dead-lettered, or that is no longer stored. */
  readonly letter: OrderLetter | undefined;
  readonly ingest: Ingest;
}

/**
 * Returns the steps of a saved order in the order in which they happened. They are not sorted by their times, since the clocks of Kafka,
 * MongoDB and the services differ.
 */
export function orderSteps({ requestedAt, letter, ingest }: SavedHistory): OrderStep[] {
  const requested = requestedAt === undefined ? [] : [step('requested', requestedAt)];
  const saved = savedSteps(ingest);
  if (letter === undefined) return [...requested, ...saved];
  // Another record of the order may have been saved before: a producer that was killed sends its last chunk again.
  const isBefore = letter.deadLetteredAt <= ingest.savedAt;
  return [...requested, ...(isBefore ? [...letterSteps(letter), ...saved] : [...saved, ...letterSteps(letter)])];
}

function savedSteps({ partition, offset, attempts, savedAt, trace }: Ingest): OrderStep[] {
  return [
    { ...step('sent', trace?.appendedAt ?? null), partition, offset: Number(offset) },
    ...(trace === undefined ? [] : [step('fetched', trace.fetchedAt), step('taken', trace.takenAt)]),
    { ...step('started', trace?.startedAt ?? null), attempts },
    step('saved', savedAt),
  ];
}

/** The error and the attempts that are stored are those of the latest failure. */
function letterSteps({ _id, origin, error, attempts, deadLetteredAt, tries = [] }: OrderLetter): OrderStep[] {
  const last = { errorCode: error.code, attempts };
  const returned = tries.findLastIndex(({ outcome }) => outcome === 'returned');
  const redrives = tries.flatMap(({ operationId, at, outcome, endedAt }, index): OrderStep[] => [
    { ...step('redriven', at), redriveId: operationId },
    // That it was saved is a step of the order.
    ...(outcome === null || outcome === 'saved'
      ? []
      : [{ ...step(outcome, endedAt), ...(index === returned && last) }]),
  ]);
  return [
    { ...step('sent', origin.timestamp), partition: origin.partition, offset: origin.offset },
    { ...step('dead-lettered', deadLetteredAt), letterId: _id, ...(returned === -1 && last) },
    ...redrives,
  ];
}

function step(code: OrderStep['code'], at: Date | null): OrderStep {
  return { code, at: at?.toISOString() ?? null };
}
