import { z } from 'zod';
import { FIGURES } from '../history/figure-history.js';

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
