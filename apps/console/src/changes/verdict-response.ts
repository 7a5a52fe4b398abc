import { z } from 'zod';

/** The effect of a scaling. */
export const VerdictSchema = z.object({
  outcome: z.enum(['faster', 'no-gain', 'slower', 'unknown']),
  factor: z.number().nullable(),
  bound: z.enum(['partitions', 'keys', 'cpu', 'database']).nullable().describe('What limits the throughput.'),
  text: z.string().meta({ examples: ['1.94 times the throughput'] }),
});
