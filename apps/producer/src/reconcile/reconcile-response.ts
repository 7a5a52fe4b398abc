import { z } from 'zod';
import { FAULTS } from '#orders/fault-mix.js';

const count = z.int().min(0);
const faultCounts = z.object({ poison: count, oversized: count, duplicate: count, conflict: count });
const blame = z.enum(['not-yet-saved', 'not-yet-projected', 'never-acknowledged', 'committed-past', 'saved-then-gone']);

/** What reconciling an operation has found, as the API tells it. */
export const ReconcileResponseSchema = z
  .object({
    operation: z.uuid(),
    kind: z.enum(['populate', 'import', 'redrive']),
    status: z.enum(['running', 'paused', 'succeeded', 'cancelled', 'failed']),
    verdict: z
      .enum(['holds', 'pending', 'broken'])
      .describe('`holds`: nothing lost, doubled or altered. `pending`: not yet, and nothing speaks against it.'),
    count,
    acked: count.describe('= saved + deadLettered + discarded + skipped + altered + pending + missing'),
    saved: count.describe('Stored exactly as they were sent.'),
    deadLettered: count.describe('Pending among the dead letters, and not saved.'),
    both: count.describe('Saved, and among the dead letters as well.'),
    discarded: count,
    skipped: count.describe('Orders of an import that were there already, with the same content under another number.'),
    pending: count.describe('Acknowledged and on their way.'),
    missing: count,
    doubled: count,
    altered: count,
    phantom: count.describe('Documents that no order of the operation accounts for.'),
    savedUnacknowledged: count.describe('Saved, though their acknowledgement never came: no defect.'),
    neverAcknowledged: count,
    faults: z.object({ expected: faultCounts, found: faultCounts }).nullable(),
    blames: z.partialRecord(blame, count),
    missingRecords: z
      .array(
        z.object({
          index: count,
          number: count,
          id: z.uuid(),
          fault: z.enum(FAULTS).nullable(),
          partition: count.nullable(),
          offset: count.nullable(),
          blame,
          evidence: z.string().optional(),
        }),
      )
      .readonly(),
    alteredOrders: z.array(z.object({ index: count, id: z.uuid(), fields: z.array(z.string()).readonly() })).readonly(),
    phantomOrders: z.array(z.object({ id: z.string(), number: z.int().nullable(), reason: z.string() })).readonly(),
    readAt: z.iso.datetime(),
    seconds: z.number(),
    ordersPerSecond: count,
    text: z.string().describe('The same for people.'),
  })
  .meta({ title: 'Reconciliation' });

export type ReconcileResponse = z.infer<typeof ReconcileResponseSchema>;
