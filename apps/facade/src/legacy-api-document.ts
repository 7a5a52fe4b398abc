import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import type { ApiDescription } from '#service/docs/openapi.js';

type Schema = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];

const NUMBER = { type: 'integer', minimum: 1, maximum: 1_000_000_000 } as const;
const FIELDS: Record<string, Schema> = {
  id: { type: 'string', minLength: 1, maxLength: 64 },
  number: NUMBER,
  accountId: { type: 'string', minLength: 1, maxLength: 64 },
  side: { type: 'string', enum: ['buy', 'sell'] },
  symbol: { type: 'string', minLength: 1, maxLength: 32 },
  quantity: { type: 'integer', minimum: 1, maximum: 10_000 },
  price: { type: 'number', description: 'A float.' },
  amount: { type: 'number', description: 'A float.' },
  currency: { type: 'string', minLength: 3, maxLength: 3 },
  createdAt: { type: 'string', description: 'A local time without a zone, in `LEGACY_TIME_ZONE`.' },
};

const ORDER: Schema = {
  type: 'object',
  description: 'An order of the legacy system.',
  required: Object.keys(FIELDS),
  properties: FIELDS,
};

const ORDER_REQUEST: Schema = {
  type: 'object',
  description: 'What is missing is assigned. The same `id` sends the same order once.',
  required: ['accountId', 'side', 'symbol', 'quantity', 'price', 'currency'],
  properties: FIELDS,
  additionalProperties: false,
  example: { accountId: 'acc-1', side: 'buy', symbol: 'ACME', quantity: 3, price: 187.35, currency: 'EUR' },
};

const POPULATED: Schema = {
  type: 'object',
  required: ['count', 'first', 'last'],
  properties: { count: { type: 'integer' }, first: NUMBER, last: NUMBER },
};

const ERROR: Schema = {
  type: 'object',
  description: "The legacy system's form of errors. Only errors of the facade itself have a `code`.",
  required: ['statusCode', 'error', 'message'],
  properties: {
    statusCode: { type: 'integer' },
    code: { type: 'string' },
    error: { type: 'string' },
    message: { type: 'string' },
    field: { type: 'string', description: 'The invalid field, if the facade knows it.' },
  },
};

const SCHEMAS = {
  LegacyApiOrder: ORDER,
  LegacyApiOrderRequest: ORDER_REQUEST,
  LegacyApiPopulated: POPULATED,
  LegacyApiError: ERROR,
};

const LIST = { type: 'array', items: { $ref: '#/components/schemas/LegacyApiOrder' } } as const;
const ONE = { $ref: '#/components/schemas/LegacyApiOrder' } as const;

function content(schema: object) {
  return { content: { 'application/json': { schema } } };
}

function json(schema: object, description: string) {
  return { description, ...content(schema) };
}

function error(description: string) {
  return json({ $ref: '#/components/schemas/LegacyApiError' }, description);
}

const UNAVAILABLE = error('The side that answers is unavailable, or writes are under way: see Retry-After');
const UNAUTHORIZED = error('No valid API key');
const FOREIGN = error('`foreign-origin`: the request comes from a page of another origin');
const REJECTED = error('Invalid parameters');

function operation(operationId: string, summary: string, answers: object, parameters: readonly object[] = []) {
  return {
    operationId,
    summary,
    tags: ['legacy API'],
    // Bearer tokens are those of /v1/migration only.
    security: [{ apiKey: [] }, { basic: [] }, {}],
    ...(parameters.length > 0 && { parameters }),
    responses: { 401: UNAUTHORIZED, 503: UNAVAILABLE, ...answers },
  };
}

const inPath = (name: string, schema: object) => ({ name, in: 'path', required: true, schema });
const inQuery = (name: string, schema: object) => ({ name, in: 'query', required: true, schema });
const PAGE = { type: 'integer', minimum: 1, maximum: 1_000_000 } as const;

const READS = {
  '/orders/{id}': {
    get: operation(
      'getLegacyOrder',
      'Get one order by id',
      { 200: json({ oneOf: [ONE, { type: 'null' }] }, 'The order; `null` for an unknown id') },
      [inPath('id', { type: 'string', maxLength: 1_024 })],
    ),
  },
  '/orders/page/{page}': {
    get: operation(
      'listLegacyPage',
      'List the orders of a page of 1,000 numbers',
      { 200: json(LIST, 'The orders by number; empty beyond the last one'), 400: REJECTED },
      [inPath('page', PAGE)],
    ),
  },
  '/orders/range': {
    get: operation(
      'listLegacyRange',
      'List the orders of a range of numbers, both ends included',
      {
        200: json(LIST, 'The orders by number'),
        400: REJECTED,
        429: error('`too-many-long-answers`: the client has not yet read as many answers above 1 MiB as it may have'),
      },
      [inQuery('start', NUMBER), inQuery('end', NUMBER)],
    ),
  },
};

const WRITES = {
  '/orders': {
    post: {
      ...operation('createLegacyOrder', 'Store an order', {
        201: json(ONE, 'The order, with its id, number, amount and time'),
        200: json(ONE, 'The order was there already: a repeat under the same `id`'),
        400: error(
          'Invalid order; once the target answers, also one without an exact translation, with `code` and `field`',
        ),
        409: error('The `id` has other content (`order-conflict`), or the number is in use (`number-in-use`)'),
        403: FOREIGN,
        413: error('More than 64 KiB'),
        503: error('`outcome-unknown`: repeat it under the same `id`. Other codes: nothing is stored, see Retry-After'),
      }),
      requestBody: { required: true, ...content({ $ref: '#/components/schemas/LegacyApiOrderRequest' }) },
    },
  },
  '/populate': {
    post: operation(
      'populateLegacy',
      'Let the legacy system generate test orders',
      {
        201: json({ $ref: '#/components/schemas/LegacyApiPopulated' }, 'The numbers of the orders'),
        400: REJECTED,
        403: FOREIGN,
        409: error('`populate-outside-off`: writes are not `off`, so the facade assigns the numbers'),
      },
      [inQuery('count', { type: 'integer', minimum: 1, maximum: 1_000_000 })],
    ),
  },
};

/** Adds the legacy system's API to the OpenAPI document: its routes are no controllers. */
export function documentLegacyApi(document: OpenAPIObject): void {
  Object.assign(document.paths, WRITES, READS);
  const { schemas, securitySchemes, ...others } = document.components ?? {};
  document.components = {
    ...others,
    schemas: { ...schemas, ...SCHEMAS },
    securitySchemes: {
      ...securitySchemes,
      apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      basic: { type: 'http', scheme: 'basic', description: "The client's name, and its API key as the password." },
    },
  };
}

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
