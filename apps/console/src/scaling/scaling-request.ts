import { z } from 'zod';
import { MAX_IN_FLIGHT_OVERRIDE } from '#orders/in-flight-override.js';

/** As many as `npm start -- --consumers` takes. */
const MAX_CONSUMERS = 64;

/** `POST /v1/pipeline/consumers`. */
export const ScalingRequestSchema = z
  .strictObject({ count: z.int().min(1).max(MAX_CONSUMERS).describe('Consumer processes that are to run.') })
  .meta({ title: 'Scaling' });

/** `POST /v1/pipeline/in-flight`. */
export const InFlightRequestSchema = z
  .strictObject({
    limit: z
      .union([z.int().min(1).max(MAX_IN_FLIGHT_OVERRIDE), z.literal('auto')])
      .nullable()
      .describe(
        'Orders that each consumer has in the save at once; `auto`: found by itself; `null`: as it was started.',
      ),
  })
  .meta({ title: 'InFlight' });

export const ScalingResponseSchema = z
  .object({
    count: z.int().describe('Those that are wanted from now on: they start, or drain, one after another.'),
    idle: z
      .int()
      .nullable()
      .describe('How many of them get nothing to do, since a partition has one consumer; `null`: unknown.'),
  })
  .meta({ title: 'ScalingResponse' });

export type InFlightRequest = z.infer<typeof InFlightRequestSchema>;
export type ScalingRequest = z.infer<typeof ScalingRequestSchema>;
export type ScalingResponse = z.infer<typeof ScalingResponseSchema>;
