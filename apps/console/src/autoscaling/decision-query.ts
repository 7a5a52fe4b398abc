import { z } from 'zod';
import { pageSizeParameter } from '#service/http/input-numbers.js';

/** `GET /v1/pipeline/autoscaling/decisions`. */
export const DecisionQuerySchema = z.strictObject({
  before: z
    .guid('must be the id of a decision')
    .toLowerCase()
    .optional()
    .describe('Cursor of the next page: only decisions before this one. Take it from `next`.'),
  pageSize: pageSizeParameter('Decisions', { maximum: 200, byDefault: 20 }),
});

export type DecisionQuery = z.infer<typeof DecisionQuerySchema>;
