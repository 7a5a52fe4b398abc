import { z } from 'zod';
import type { ApiDescription } from '#service/docs/openapi.js';
import { SupportedCombinationSchema } from './order-query/order-query.js';

/** The texts of the OpenAPI document. */
export const API: ApiDescription = {
  title: 'Orders: query API',
  description:
    'Reads saved orders by page, by id and by number range, sums them up and exports them. An order appears here once it is saved. Responses with orders or sums have the watermark in the header `X-Complete-Through`: up to this number, every order is saved, dead-lettered or cancelled.',
  problemMembers: {
    supported: z
      .array(SupportedCombinationSchema)
      .optional()
      .describe('Only of `unsupported-combination`: what an index covers.'),
    walk: z
      .string()
      .optional()
      .describe('Only of `page-too-deep`: the path of the first page of the cursor pagination. Follow `page.next`.'),
  },
};
