import { z } from 'zod';
import { FAULTS } from '#orders/generator/fault-mix.js';
import { OPERATION_KINDS } from '#orders/operation/operation.js';

const count = z.int().min(0);
const faultCounts = z
  .object({ poison: count, oversized: count, duplicate: count, conflict: count })
  .meta({ title: 'FaultCounts' });
const blame = z.enum(['not-yet-saved', 'not-yet-projected', 'never-acknowledged', 'committed-past', 'saved-then-gone']);

/** The API response for the reconciliation of an operation. */
export const ReconcileResponseSchema = z
  .object({
    operation: z.uuid(),
    kind: z.enum(OPERATION_KINDS),
    status: z.enum(['running', 'paused', 'succeeded', 'cancelled', 'failed']),
    verdict: z
      .enum(['holds', 'pending', 'broken'])
      .describe(
        '`holds`: no order is lost, doubled or altered. `pending`: some orders are still in progress, and no defect was found.',
      ),
    count,
    acked: count.describe('= saved + archived + deadLettered + discarded + skipped + altered + pending + missing'),
    saved: count.describe('Orders saved exactly as sent.'),
    archived: count.describe(
      'Orders that were saved, and are in archives now. Only the command can compare them with their files.',
    ),
    deadLettered: count.describe('Orders with a pending dead letter that are not saved.'),
    both: count.describe('Orders that are saved and also have a dead letter.'),
    discarded: count,
    skipped: count.describe('Orders of an import that already existed with the same content and another number.'),
    pending: count.describe('Acknowledged orders that are not processed yet.'),
    missing: count,
    doubled: count,
    altered: count,
    phantom: count.describe('Documents that match no order of the operation.'),
    savedUnacknowledged: count.describe(
      'Orders that are saved although the acknowledgement was not received. Not a defect.',
    ),
    settled: count.describe(
      'Of the acknowledged orders, those that were compared by the digest of their settled block.',
    ),
    neverAcknowledged: count,
    faults: z.object({ expected: faultCounts, found: faultCounts }).meta({ title: 'FoundFaults' }).nullable(),
    blames: z.partialRecord(blame, count),
    missingRecords: z
      .array(
        z
          .object({
            index: count,
            number: count,
            id: z.uuid().nullable().describe('`null`: unknown, because the bookkeeping of the order is compacted.'),
            fault: z.enum(FAULTS).nullable(),
            partition: count.nullable(),
            offset: count.nullable(),
            blame,
            evidence: z.string().optional(),
          })
          .meta({ title: 'MissingRecord' }),
      )
      .readonly(),
    alteredOrders: z
      .array(
        z
          .object({ index: count, id: z.uuid(), fields: z.array(z.string()).readonly() })
          .meta({ title: 'AlteredOrder' }),
      )
      .readonly(),
    phantomOrders: z
      .array(
        z.object({ id: z.string(), number: z.int().nullable(), reason: z.string() }).meta({ title: 'PhantomOrder' }),
      )
      .readonly(),
    differingBlocks: z
      .array(
        z
          .object({
            first: count.describe('The lowest order number of the block.'),
            last: count.describe('The highest order number of the block.'),
            verified: count.describe('Orders that were saved when the block was verified.'),
            found: count,
            verifiedAt: z.iso.datetime(),
          })
          .meta({ title: 'DifferingBlock' }),
      )
      .readonly()
      .describe(
        'Settled blocks whose orders are not those that were verified. The lists above name their orders where these can be known.',
      ),
    archiveProblems: z.array(z.string()).readonly().describe('Always empty here: only the command reads archives.'),
    readAt: z.iso.datetime(),
    seconds: z.number(),
    ordersPerSecond: count,
    text: z.string().describe('The report as text.'),
  })
  .meta({ title: 'Reconciliation' });

export type ReconcileResponse = z.infer<typeof ReconcileResponseSchema>;
