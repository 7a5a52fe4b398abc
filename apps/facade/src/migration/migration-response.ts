import { z } from 'zod';
import { CAPABILITIES, READ_STAGES, WRITE_STAGES } from '../stages/capability.js';

const rate = z.number().min(0).max(1);
const milliseconds = z.number().min(0).nullable();

function bySide<T extends z.ZodType>(value: T, description: string) {
  return z.object({ legacy: value, new: value }).describe(description);
}

const GateConditionSchema = z
  .object({
    condition: z.string().meta({ examples: ['samples'] }),
    wanted: z.string().meta({ examples: ['at least 1000 since the last change'] }),
    found: z.string().meta({ examples: ['412'] }),
    holds: z.boolean(),
  })
  .meta({ title: 'GateCondition' });

const CapabilitySchema = z
  .object({
    stage: z.enum([...new Set([...WRITE_STAGES, ...READ_STAGES])]),
    percent: z.int().min(1).max(100).describe('These keys are at `stage`, the others at the stage before.'),
    version: z.int().min(1).describe('Counts the changes of this capability.'),
    since: z.iso.datetime(),
    cause: z.string().optional().describe('Why the last change was an automatic rollback.'),
    samples: z.int().min(0).describe('Compared answers since the last change.'),
    mismatches: z.int().min(0).describe('Differences that remained after the re-check, since the last change.'),
    errorRate: bySide(rate, 'Share of failed requests since the last change.'),
    p50Ms: bySide(milliseconds, 'Since the last change; `null` without a request.'),
    p99Ms: bySide(milliseconds, 'Since the last change; `null` without a request.'),
    pendingIntents: z.int().min(0).describe('Open write intents.'),
    gate: z.array(GateConditionSchema).describe('The conditions of the next step forward; empty if it needs none.'),
  })
  .meta({ title: 'CapabilityState' });

export const MigrationSchema = z
  .object({
    revision: z.int().min(1).describe('Counts all changes of the migration.'),
    hold: z
      .object({ by: z.string(), reason: z.string(), since: z.iso.datetime() })
      .nullable()
      .describe('Blocks every change while it is set.'),
    change: z
      .object({
        stage: z.enum(WRITE_STAGES),
        percent: z.int().min(1).max(100),
        step: z
          .enum(['acknowledge', 'buckets', 'drain'])
          .describe('`acknowledge`: waits for the instances. `drain`: waits until the legacy system has all orders.'),
        by: z.string(),
        reason: z.string(),
        deadline: z.iso.datetime().describe('When it is abandoned, unless it is done.'),
      })
      .nullable()
      .describe('The change of writes that is in progress.'),
    instances: z
      .array(
        z
          .object({ name: z.string(), revision: z.int().min(0), refreshedAt: z.iso.datetime() })
          .meta({ title: 'FacadeInstance' }),
      )
      .describe('The registered facade instances, and the revision that each has applied.'),
    capabilities: z.object(
      Object.fromEntries(CAPABILITIES.map((name) => [name, CapabilitySchema])) as Record<
        (typeof CAPABILITIES)[number],
        typeof CapabilitySchema
      >,
    ),
  })
  .meta({ title: 'Migration' });

export type MigrationResponse = z.infer<typeof MigrationSchema>;

export const PendingIntentsSchema = z
  .object({
    count: z.int().min(0),
    items: z
      .array(
        z
          .object({
            id: z.string(),
            number: z.int().min(1).describe('The legacy number.'),
            accountId: z.string(),
            bucket: z.int().min(0).max(1_023),
            seq: z.int().min(1).describe('The position among the writes of the bucket.'),
            answering: z.enum(['legacy', 'new']).describe('The side that answers the client.'),
            legacy: z.enum(['open', 'stored', 'none']),
            new: z.enum(['open', 'sent', 'readable', 'none']),
            ageMs: z.int().min(0),
            attempts: z.int().min(0).describe('Attempts without an outcome.'),
            reason: z.string().nullable().describe('Why the last attempt had no outcome.'),
            instance: z.string().describe('The facade instance that admitted it.'),
          })
          .meta({ title: 'PendingIntent' }),
      )
      .describe('The oldest first; at most 1,000.'),
  })
  .meta({ title: 'PendingIntents' });

export const AuditSchema = z
  .object({
    items: z
      .array(
        z
          .object({
            id: z.string(),
            at: z.iso.datetime(),
            by: z.string(),
            action: z.enum(['change', 'done', 'abandoned', 'refusal', 'rollback', 'alert', 'hold', 'release']),
            reason: z.string(),
            revision: z.int().min(1),
            capability: z.string().optional(),
            from: z.string().optional(),
            to: z.string().optional(),
            isForced: z.boolean().optional(),
            code: z.string().optional().describe('Why it was refused.'),
            gate: z.array(GateConditionSchema).optional().describe('The gate as it was.'),
          })
          .meta({ title: 'AuditEntry' }),
      )
      .describe('The newest first.'),
  })
  .meta({ title: 'Audit' });
