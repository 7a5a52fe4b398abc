import type { ApiDescription } from '#service/docs/openapi.js';

/** The texts of the OpenAPI document. */
export const API: ApiDescription = {
  title: 'Orders: console',
  description:
    'Reports the state of the pipeline every second and scales its consumers. Forwards /v1/operations, /v1/populate, /v1/imports and /v1/dead-letters to the producer, /v1/orders to the query API, and /v1/migration to the facade, with the caller’s token.',
};
