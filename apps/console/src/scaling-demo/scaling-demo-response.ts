import { z } from 'zod';
import { VerdictSchema } from '../changes/verdict-response.js';
import { DEMO_STEPS } from './demo-steps.js';

/** `POST /v1/pipeline/scaling-demo`. */
export const ScalingDemoRequestSchema = z
  .strictObject({
    ignoreLoad: z.boolean().default(false).describe('Start although other programs use the CPU of the machine.'),
  })
  .meta({ title: 'ScalingDemoRequest' });

export type ScalingDemoRequest = z.infer<typeof ScalingDemoRequestSchema>;

const rate = z.number().min(0).nullable();

export const ScalingDemoSchema = z
  .object({
    id: z.guid(),
    startedAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable().describe('When everything was restored; `null`: not yet.'),
    status: z
      .enum(['running', 'succeeded', 'failed', 'cancelled', 'interrupted'])
      .describe(
        '`succeeded`: it has a verdict, which may be `no-gain`; `interrupted`: the console was stopped. Until `endedAt` is set, the step `restore` may be under way.',
      ),
    step: z
      .enum(DEMO_STEPS)
      .nullable()
      .describe(
        '`prepare`: one consumer, with a low in-flight limit; `populate`: test orders are requested; `measure`: one consumer saves; `scale`: three consumers do, and a verdict is awaited; `restore`; `null`: it has ended.',
      ),
    limit: z.int().min(1).describe('In-flight limit of each consumer during the demo.'),
    orders: z.int().min(1).describe('How many test orders it generates.'),
    operationId: z.string().nullable().describe('The operation that generates them; `null`: not requested yet.'),
    before: rate.describe('Saved per second by one consumer; `null`: not measured.'),
    after: rate.describe('Saved per second by three consumers; `null`: not measured.'),
    verdict: VerdictSchema.nullable().describe('`null`: none yet, or the demo has failed.'),
    error: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .describe('Why there is no verdict; `null`: it has one, or none yet.'),
  })
  .meta({ title: 'ScalingDemo' });

export type ScalingDemoView = z.infer<typeof ScalingDemoSchema>;
