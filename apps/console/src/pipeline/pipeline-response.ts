import { z } from 'zod';

const setUp = z
  .object({
    consumers: z.int().min(0),
    inFlight: z
      .union([z.int().min(1), z.literal('auto')])
      .nullable()
      .describe('In-flight limit of each consumer; `null`: they differ.'),
  })
  .nullable();

const change = z.object({
  secondsAgo: z.int().min(0),
  kind: z.enum(['scaling', 'rebalance']),
  from: setUp,
  to: setUp,
  before: z.number().nullable().describe('Saved per second, at most eight seconds before the change.'),
  after: z.number().nullable().describe('Saved per second, eight seconds after the pipeline has settled.'),
  verdict: z
    .object({
      outcome: z.enum(['faster', 'no-gain', 'slower', 'unknown']),
      factor: z.number().nullable(),
      bound: z.enum(['partitions', 'keys', 'cpu', 'database']).nullable().describe('What limits the throughput.'),
      text: z.string().meta({ examples: ['x1.94, helped'] }),
    })
    .nullable()
    .describe('Effect of a scaling; `null`: still being measured, or a rebalance.'),
});

const unknown = '`null`: unknown.';
const rate = z.number().min(0).nullable().describe(`Over the last five seconds. ${unknown}`);
const count = z.int().min(0).nullable().describe(unknown);
const seconds = z.number().min(0).nullable().describe(unknown);

/** The state of the pipeline at one moment. An unknown value is `null`, never 0. */
export const PipelineResponseSchema = z
  .object({
    producedPerSecond: rate,
    savedPerSecond: rate,
    inFlight: count,
    lagRecords: count,
    lagSeconds: seconds,
    secondsToDrain: z
      .number()
      .min(0)
      .nullable()
      .describe('Lag divided by the current save rate; also `null` when nothing is being saved.'),
    deadLetters: count,
    partitions: z
      .array(
        z.object({
          partition: z.int().min(0),
          endOffset: count,
          committedOffset: count,
          lagRecords: count,
          lagSeconds: seconds,
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
            .describe(`Reported by the consumer, over the last ten seconds. ${unknown}`),
          inFlight: count,
          inFlightLimit: count,
          inFlightSet: z
            .union([z.int().min(1), z.literal('auto')])
            .nullable()
            .describe('The configured limit; `auto`: adjusted automatically.'),
          rebalances: count,
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
        'Scalings, whatever their cause, and rebalances, oldest first. Detected only while a client reads the pipeline.',
      ),
  })
  .meta({ title: 'Pipeline' });

export type PipelineResponse = z.infer<typeof PipelineResponseSchema>;
