import { z } from 'zod';

const setUp = z
  .object({
    consumers: z.int().min(0),
    inFlight: z
      .union([z.int().min(1), z.literal('auto')])
      .nullable()
      .describe('Of each consumer; `null`: they differ.'),
  })
  .nullable();

const change = z.object({
  secondsAgo: z.int().min(0),
  kind: z.enum(['scaling', 'rebalance']),
  from: setUp,
  to: setUp,
  before: z.number().nullable().describe('Saved per second, in the eight seconds before.'),
  after: z.number().nullable().describe('The same, in eight seconds after it had come to rest.'),
  verdict: z
    .object({
      outcome: z.enum(['faster', 'no-gain', 'slower', 'unknown']),
      factor: z.number().nullable(),
      bound: z.enum(['partitions', 'keys', 'cpu', 'database']).nullable().describe('What keeps it from more.'),
      text: z.string().meta({ examples: ['x1.94, helped'] }),
    })
    .nullable()
    .describe('What came of a scaling; `null`: it is still measured.'),
});

const unknown = '`null`: unknown.';
const rate = z.number().min(0).nullable().describe(`Over the last five seconds. ${unknown}`);
const count = z.int().min(0).nullable().describe(unknown);
const seconds = z.number().min(0).nullable().describe(unknown);

/** How the pipeline is at one moment. What is unknown is `null`, never 0. */
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
      .describe('At the rate of now; `null` too where nothing is saved, so that it would never be.'),
    deadLetters: count,
    partitions: z
      .array(
        z.object({
          partition: z.int().min(0),
          endOffset: count,
          committedOffset: count,
          lagRecords: count,
          lagSeconds: seconds,
          owner: z.string().nullable().describe('The `id` of a consumer; `null`: nobody that is known.'),
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
            .describe(`As it tells itself, over the last ten seconds. ${unknown}`),
          inFlight: count,
          inFlightLimit: count,
          inFlightSet: z
            .union([z.int().min(1), z.literal('auto')])
            .nullable()
            .describe('What the limit was set to; with `auto` it finds itself.'),
          rebalances: count,
          notReadyBecause: z.string().nullable().describe('What keeps it from working; `null`: nothing.'),
          silentSeconds: z.number().min(0).describe('Since it was last heard of; after four its figures are unknown.'),
        }),
      )
      .nullable()
      .describe(unknown),
    changes: z
      .array(change)
      .describe('Scalings, whoever made them, and rebalances, as far as somebody has looked on: oldest first.'),
  })
  .meta({ title: 'Pipeline' });

export type PipelineResponse = z.infer<typeof PipelineResponseSchema>;
