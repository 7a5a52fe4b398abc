import { z } from 'zod';
import type { ApiDescription } from '#service/docs/openapi.js';
import { documentLegacyApi } from './legacy-api-document.js';

/** The texts of the OpenAPI document. */
export const API: ApiDescription = {
  title: 'Orders: facade',
  description:
    "Speaks the legacy system's API to its clients (`/orders…`, with API keys instead of tokens), and moves its traffic to the pipeline step by step (`/v1/migration…`).",
  extend: documentLegacyApi,
  problemMembers: {
    state: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Of each 400 and 409 of the migration: what `GET /v1/migration` responds. It has not changed.'),
    gate: z
      .array(z.record(z.string(), z.unknown()))
      .optional()
      .describe('Of `gate-not-met`: every condition, as in `state`.'),
  },
};
