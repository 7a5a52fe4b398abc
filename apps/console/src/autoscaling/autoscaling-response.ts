import { z } from 'zod';
import { AUTOSCALE_MODES } from './autoscaling-settings.js';
import type { KeptDecision } from './autoscaler-store.js';
import type { AutoscalingStatus } from './autoscaling-status.js';

const figure = z.number().nullable();

const decided = z.object({
  kind: z
    .enum(['up', 'down', 'revert', 'keep'])
    .describe('`revert`: back from a step that did not help; `keep`: nothing changes.'),
  reason: z
    .enum([
      'limits',
      'goal-at-risk',
      'no-gain',
      'spare-capacity',
      'enough',
      'measuring',
      'helped',
      'not-judged',
      'reconsidered',
      'bound',
      'at-maximum',
      'scaling-down-slowly',
      'not-worth-a-pause',
      'stalled',
      'suspended',
      'held-by-hand',
      'unknown',
    ])
    .describe('Why, as a stable code; `text` says it in words.'),
  from: z.int().min(0),
  to: z.int().min(0),
  text: z.string().meta({
    examples: [
      'back to 2 consumers: 4 consumers did not help (1.02 times the throughput), bound by keys: too few are active',
    ],
  }),
  figures: z
    .object({
      lagRecords: figure,
      arrivalPerSecond: figure,
      savedPerSecond: figure,
      ratePerConsumer: figure.describe('Saved per second by one consumer that has enough work.'),
      waitSeconds: figure.describe('How long an order that arrives now would wait.'),
      pauseSeconds: z.number().describe('What a rebalance costs, in seconds without a save.'),
    })
    .describe('What it follows from. `null`: unknown.'),
  verdict: z
    .object({
      from: z.int(),
      to: z.int(),
      outcome: z.enum(['faster', 'no-gain', 'slower', 'unknown']),
      factor: figure,
      bound: z.enum(['partitions', 'keys', 'cpu', 'database']).nullable(),
    })
    .nullable()
    .describe('The verdict on the step before that it follows from; `null`: none.'),
});

const kept = decided
  .extend({ id: z.string(), at: z.iso.datetime(), mode: z.enum(AUTOSCALE_MODES) })
  .meta({ title: 'AutoscalingDecision' });

/** What the autoscaler does now. */
export const AutoscalingSchema = z
  .object({
    mode: z.enum(AUTOSCALE_MODES).describe('`dry-run`: it only reports what it would do.'),
    minConsumers: z.int(),
    maxConsumers: z.int(),
    drainSeconds: z.int().describe('The goal: an order is saved within this time.'),
    wanted: z.int().nullable().describe('How many consumers there should be; `null`: not known yet.'),
    now: decided.nullable().describe('What was decided with the last observation; `null`: nothing yet.'),
    heldUntil: z.iso.datetime().nullable().describe('Until when a number that a person set is kept; `null`: none is.'),
    newest: kept.nullable().describe('The last decision that is kept; `null`: none since the console started.'),
    isStandby: z.boolean().describe('Another console decides.'),
    failure: z.string().nullable().describe('Why it can not act now; `null`: it can.'),
  })
  .meta({ title: 'Autoscaling' });

export type AutoscalingView = z.infer<typeof AutoscalingSchema>;

/** `GET /v1/pipeline/autoscaling/decisions`. */
export const DecisionPageSchema = z
  .object({
    items: z.array(kept),
    page: z.object({
      size: z.int(),
      next: z.string().optional().describe('Path of the next page; absent on the last page.'),
    }),
  })
  .meta({ title: 'AutoscalingDecisions' });

export type DecisionPage = z.infer<typeof DecisionPageSchema>;
export type DecisionItem = DecisionPage['items'][number];

/** `GET /v1/pipeline/desired-consumers`, for KEDA. */
export const DesiredConsumersSchema = z
  .object({ desired: z.int().min(1).describe('How many consumers there should be.') })
  .meta({ title: 'DesiredConsumers' });

export type DesiredConsumers = z.infer<typeof DesiredConsumersSchema>;

/** @returns `null` when the autoscaler is off */
export function autoscalingView({
  mode,
  limits,
  latest,
  newest,
  isStandby,
  failure,
}: AutoscalingStatus): AutoscalingView | null {
  if (mode === 'off') return null;
  const heldUntil = latest?.state?.heldUntil ?? null;
  return {
    mode,
    ...limits,
    wanted: latest?.state?.wanted ?? null,
    now: latest?.decision ?? null,
    heldUntil: heldUntil === null ? null : new Date(heldUntil).toISOString(),
    newest: newest && toItem(newest),
    isStandby,
    failure,
  };
}

export function toItem({ at, ...decision }: KeptDecision): DecisionItem {
  return { ...decision, at: at.toISOString() };
}
