import { z } from 'zod';

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
          ratePerSecond: rate,
          inFlight: count,
          inFlightLimit: count,
          rebalances: count,
          notReadyBecause: z.string().nullable().describe('What keeps it from working; `null`: nothing.'),
          silentSeconds: z.number().min(0).describe('Since it was last heard of; after four its figures are unknown.'),
        }),
      )
      .nullable()
      .describe(unknown),
  })
  .meta({ title: 'Pipeline' });

export type PipelineResponse = z.infer<typeof PipelineResponseSchema>;
