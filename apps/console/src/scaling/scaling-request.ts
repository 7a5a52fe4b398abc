import { z } from 'zod';
import { MAX_IN_FLIGHT_OVERRIDE } from '#orders/consumer/consumers.js';

/** The same limit as that of `npm start -- --consumers`. */
const MAX_CONSUMERS = 64;

/** `POST /v1/pipeline/consumers`. */
export const ScalingRequestSchema = z
  .strictObject({ count: z.int().min(1).max(MAX_CONSUMERS).describe('Number of consumer processes.') })
  .meta({ title: 'Scaling' });

/** `POST /v1/pipeline/in-flight`. */
export const InFlightRequestSchema = z
  .strictObject({
    limit: z
      .union([z.int().min(1).max(MAX_IN_FLIGHT_OVERRIDE), z.literal('auto')])
      .nullable()
      .describe(
        'In-flight limit of each consumer; `auto`: adjusted automatically; `null`: reset to the limit it was started with.',
      ),
  })
  .meta({ title: 'InFlight' });

export const ScalingResponseSchema = z
  .object({
    count: z.int().describe('Target number; consumers start or drain one after another.'),
    idle: z.int().nullable().describe('How many of them will have no partition and be idle; `null`: unknown.'),
    request: z
      .int()
      .min(1)
      .describe(
        'The number of this request since the console started. States of the pipeline with lower `scalingRequests` are older.',
      ),
  })
  .meta({ title: 'ScalingResponse' });

export type InFlightRequest = z.infer<typeof InFlightRequestSchema>;
export type ScalingRequest = z.infer<typeof ScalingRequestSchema>;
export type ScalingResponse = z.infer<typeof ScalingResponseSchema>;
