import type { ApiDescription } from '#service/docs/openapi.js';

/** The texts of the OpenAPI document. */
export const API: ApiDescription = {
  title: 'Orders: producer',
  description:
    'Publishes generated test orders, orders imported from a legacy system, and orders of clients to Kafka. Operations run in the background and survive restarts. The saved orders are at the query API.',
};
