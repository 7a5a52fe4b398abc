import type { OpenAPIObject } from '@nestjs/swagger';

type Components = NonNullable<OpenAPIObject['components']>;

const ORDER: NonNullable<Components['schemas']>[string] = {
  type: 'object',
  description: 'An order of the legacy system.',
  required: ['id', 'number', 'accountId', 'side', 'symbol', 'quantity', 'price', 'amount', 'currency', 'createdAt'],
  properties: {
    id: { type: 'string' },
    number: { type: 'integer', minimum: 1 },
    accountId: { type: 'string' },
    side: { type: 'string', enum: ['buy', 'sell'] },
    symbol: { type: 'string' },
    quantity: { type: 'integer', minimum: 1, maximum: 10_000 },
    price: { type: 'number', description: 'A float.' },
    amount: { type: 'number', description: 'A float.' },
    currency: { type: 'string' },
    createdAt: { type: 'string', description: 'A local time without a zone, in `LEGACY_TIME_ZONE`.' },
  },
};

const ERROR: NonNullable<Components['schemas']>[string] = {
  type: 'object',
  description: "The legacy system's form of errors. Only errors of the facade itself have a `code`.",
  required: ['statusCode', 'error', 'message'],
  properties: {
    statusCode: { type: 'integer' },
    code: { type: 'string' },
    error: { type: 'string' },
    message: { type: 'string' },
  },
};

const LIST = { type: 'array', items: { $ref: '#/components/schemas/LegacyApiOrder' } } as const;
const ONE = { $ref: '#/components/schemas/LegacyApiOrder' } as const;

function json(schema: object, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

const ERROR_REF = { $ref: '#/components/schemas/LegacyApiError' } as const;
const AWAY = json(ERROR_REF, 'The answering side is away, or writes are under way: see Retry-After');
const UNAUTHORIZED = json(ERROR_REF, 'No valid API key');
const REJECTED = json(ERROR_REF, 'Invalid parameters');

function operation(operationId: string, summary: string, answers: object, parameters: readonly object[] = []) {
  return {
    operationId,
    summary,
    tags: ['legacy API'],
    // Bearer tokens are those of /v1/migration only.
    security: [{ apiKey: [] }, { basic: [] }, {}],
    ...(parameters.length > 0 && { parameters }),
    responses: { ...answers, 401: UNAUTHORIZED, 503: AWAY },
  };
}

const inPath = (name: string, schema: object) => ({ name, in: 'path', required: true, schema });
const inQuery = (name: string, schema: object) => ({ name, in: 'query', required: true, schema });
const NUMBER = { type: 'integer', minimum: 1, maximum: 1_000_000_000 } as const;
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
      { 200: json(LIST, 'The orders by number'), 400: REJECTED },
      [inQuery('start', NUMBER), inQuery('end', NUMBER)],
    ),
  },
};

/** Adds the legacy system's API to the OpenAPI document: its routes are no controllers. */
export function documentLegacyApi(document: OpenAPIObject): void {
  Object.assign(document.paths, READS);
  const { schemas, securitySchemes, ...others } = document.components ?? {};
  document.components = {
    ...others,
    schemas: { ...schemas, LegacyApiOrder: ORDER, LegacyApiError: ERROR },
    securitySchemes: {
      ...securitySchemes,
      apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      basic: { type: 'http', scheme: 'basic', description: "The client's name, and its API key as the password." },
    },
  };
}
