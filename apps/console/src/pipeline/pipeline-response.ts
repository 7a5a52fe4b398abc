import { z } from 'zod';
import { REPORTED_STATES } from '#orders/consumer/consumers.js';
import { AutoscalingSchema } from '../autoscaling/autoscaling-response.js';
import { ScalingDemoSchema } from '../scaling-demo/scaling-demo-response.js';
import { VerdictSchema } from '../changes/verdict-response.js';
import { FIGURES } from './figure-history.js';

const limit = z.union([z.int().min(1), z.literal('auto')]).nullable();

const setUp = z
  .object({
    consumers: z.int().min(0),
    inFlight: limit.describe('In-flight limit of each consumer; `null`: they differ.'),
  })
  .nullable();

const change = z.object({
  at: z.iso.datetime(),
  secondsAgo: z.int().min(0),
  kind: z.enum(['scaling', 'rebalance', 'crash']),
  from: setUp,
  to: setUp,
  before: z
    .number()
    .nullable()
    .describe('Saved per second, over at most eight seconds before the change; `null`: there was too little to save.'),
  after: z
    .number()
    .nullable()
    .describe('Saved per second, over four to eight seconds after the pipeline has settled; `null`: not measured.'),
  verdict: VerdictSchema.nullable().describe('Effect of a scaling; `null`: still being measured, or no scaling.'),
  crash: z
    .object({
      consumer: z.string().describe('The name of the consumer that died.'),
      partitions: z.int().min(0).describe('How many partitions it had.'),
      reassignedAfterSeconds: z
        .int()
        .min(0)
        .nullable()
        .describe('From its last heartbeat until all of its partitions had a consumer again; `null`: not yet.'),
      hasReturned: z.boolean().describe('The process was only stopped, and sends heartbeats again.'),
    })
    .nullable()
    .describe('The death of a consumer; `null`: another kind of change.'),
});

const unknown = '`null`: unknown.';
const rate = z.number().min(0).nullable().describe(`Over the last five seconds. ${unknown}`);
const count = z.int().min(0).nullable().describe(unknown);
const seconds = z.number().min(0).nullable().describe(unknown);

/** The state of the pipeline at one moment. An unknown value is `null`, never 0. */
export const PipelineResponseSchema = z
  .object({
    at: z.iso.datetime().describe('When the state was read, by the clock of the console.'),
    producedPerSecond: rate,
    savedPerSecond: rate,
    inFlight: count,
    lagRecords: count,
    lagSeconds: seconds,
    secondsToDrain: z
      .number()
      .min(0)
      .nullable()
      .describe(
        'Lag divided by the current save rate; also `null` when nothing is being saved, and during and shortly after a rebalance or a crash, when that rate says nothing.',
      ),
    deadLetters: count,
    partitions: z
      .array(
        z.object({
          partition: z.int().min(0),
          endOffset: count,
          committedOffset: count,
          lagRecords: count,
          lagSeconds: seconds,
          oldest: z
            .object({
              offset: z.int().min(0),
              accountId: z.string().nullable().describe('`null`: its key can be no account.'),
              takenSeconds: z.number().min(0).describe('Seconds since the consumer took it.'),
              attempt: z.int().min(1).describe('The number of the current or next attempt.'),
            })
            .nullable()
            .describe(
              'The oldest record that the consumer has taken and not finished: it blocks the commit of the partition. `null`: none, or unknown.',
            ),
          owner: z.string().nullable().describe('The `id` of a consumer; `null`: no known consumer.'),
        }),
      )
      .nullable()
      .describe(unknown),
    consumers: z
      .array(
        z.object({
          id: z.string(),
          name: z.string(),
          partitions: z.array(z.int().min(0)).nullable(),
          ratePerSecond: z
            .number()
            .min(0)
            .nullable()
            .describe(`Saved per second over the last five seconds, as \`savedPerSecond\`. ${unknown}`),
          inFlight: count,
          inFlightLimit: count,
          inFlightSet: limit.describe('The configured limit; `auto`: adjusted automatically.'),
          rebalances: count,
          state: z
            .enum([...REPORTED_STATES, 'late', 'silent', 'dead'])
            .describe(
              '`ready`; `idle`: without a partition; `starting`; `draining`; `rebalancing`: waits for its partitions; `waiting`: can not work, see `notReadyBecause`; `late`: no heartbeat for two seconds; `silent`: without heartbeats; `dead`.',
            ),
          notReadyBecause: z.string().nullable().describe('Why the consumer is not ready; `null`: it is ready.'),
          silentSeconds: z
            .number()
            .min(0)
            .describe('Seconds since the last heartbeat; after four its figures are unknown.'),
        }),
      )
      .nullable()
      .describe(unknown),
    changes: z
      .array(change)
      .describe(
        'Scalings, whatever their cause, rebalances and crashes of consumers in the last hour, oldest first: at most 50.',
      ),
    scaling: z
      .object({ count: z.int(), secondsAgo: z.int().min(0) })
      .nullable()
      .describe('The last requested number of consumers, until that many run; `null`: none.'),
    scalingRequests: z
      .int()
      .min(0)
      .describe('How many numbers of consumers were requested since the console started; each answer has its own.'),
    configuredConsumers: count.describe(
      `How many consumers there should be: those of \`scaling\`, or else those that were added and not drained. A crash does not change it. ${unknown}`,
    ),
    autoscaling: AutoscalingSchema.nullable().describe('What the autoscaler does; `null`: it is off.'),
    scalingDemo: ScalingDemoSchema.nullable().describe(
      'The last scaling demo; `null`: none since the console started.',
    ),
  })
  .meta({ title: 'Pipeline' });

export type PipelineResponse = z.infer<typeof PipelineResponseSchema>;
export type ReportedPartition = NonNullable<PipelineResponse['partitions']>[number];
export type ReportedConsumer = NonNullable<PipelineResponse['consumers']>[number];
export type ReportedChange = PipelineResponse['changes'][number];
/** The configuration of the consumers. */
export type SetUp = NonNullable<ReportedChange['from']>;
export type ScalingVerdict = NonNullable<ReportedChange['verdict']>;

const column = z.array(z.number().nullable());

/** The figures of the last hour. */
export const PipelineHistorySchema = z
  .object({
    series: z
      .array(
        z.object({
          stepSeconds: z.int().describe('Seconds between two values. A value is the mean of its step.'),
          from: z.int().describe('Time of the first value, in seconds since 1970.'),
          ...(Object.fromEntries(FIGURES.map((figure) => [figure, column])) as Record<
            (typeof FIGURES)[number],
            typeof column
          >),
        }),
      )
      .describe(
        'The last 5 minutes by the second, 20 minutes by 5 s, and the hour by 30 s. `produced` and `saved` are rates per second; `null`: unknown or not recorded.',
      ),
  })
  .meta({ title: 'PipelineHistory' });

export type PipelineHistory = z.infer<typeof PipelineHistorySchema>;
