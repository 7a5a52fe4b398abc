import { describe, expect, it } from '@jest/globals';
import type { OpenAPIObject } from '@nestjs/swagger';
import { nameSchemas, shareResponses } from './openapi.js';

interface Described {
  readonly content: Readonly<Record<string, { readonly schema: unknown }>>;
}

function documentOf(...schemas: object[]): OpenAPIObject {
  const paths = Object.fromEntries(
    schemas.map((schema, at) => [
      `/v1/${at}`,
      { get: { responses: { 200: { description: '', content: { 'application/json': { schema } } } } } },
    ]),
  );
  return { openapi: '3.1.0', info: { title: 'x', version: '1' }, paths };
}

function named(...schemas: object[]): { components: unknown; used: unknown[] } {
  const document = documentOf(...schemas);
  nameSchemas(document);
  const responses = Object.values(document.paths).map((item) => item.get?.responses['200'] as Described);
  return {
    components: document.components?.schemas,
    used: responses.map(({ content }) => content['application/json']?.schema),
  };
}

const ORDER = { title: 'Order', type: 'object', properties: { id: { type: 'string' } } };

describe('the schemas of an OpenAPI document', () => {
  it('are moved to the components by their titles, and referenced', () => {
    const page = { title: 'OrderPage', type: 'object', properties: { items: { type: 'array', items: ORDER } } };
    const items = { type: 'array', items: { $ref: '#/components/schemas/Order' } };
    expect(named(ORDER, page)).toEqual({
      components: {
        Order: { type: 'object', properties: { id: { type: 'string' } } },
        OrderPage: { type: 'object', properties: { items } },
      },
      used: [{ $ref: '#/components/schemas/Order' }, { $ref: '#/components/schemas/OrderPage' }],
    });
  });

  it('keep the description of the place where they are used', () => {
    expect(named({ ...ORDER, description: 'One.' }, { ...ORDER, description: 'Another.' }).used).toEqual([
      { $ref: '#/components/schemas/Order' },
      { $ref: '#/components/schemas/Order', description: 'Another.' },
    ]);
  });

  it('stay in place without a title; a property or an example called title is not one', () => {
    const schema = { type: 'object', properties: { title: { type: 'string' } }, example: { title: 'x', type: 'y' } };
    expect(named(schema)).toEqual({ components: {}, used: [schema] });
  });

  it('must not share a title if they are different', () => {
    const other = { title: 'Order', type: 'object', properties: { id: { type: 'integer' } } };
    expect(() => named(ORDER, other)).toThrow('two schemas have the title Order, but other fields');
  });
});

type ResponsesObject = NonNullable<OpenAPIObject['paths'][string]['get']>['responses'];

const LIMITED = { description: 'Too many requests' };
const SHARED = { $ref: '#/components/responses/TooManyRequests' };

function shared(...all: ResponsesObject[]): { responses: unknown; components: unknown } {
  const paths = Object.fromEntries(all.map((responses, at) => [`/v1/${at}`, { get: { responses } }]));
  const document: OpenAPIObject = { openapi: '3.1.0', info: { title: 'x', version: '1' }, paths };
  shareResponses(document);
  const responses = Object.values(document.paths).map((item) => item.get?.responses);
  return { responses, components: document.components?.responses };
}

describe('the errors of an OpenAPI document', () => {
  it('stand once if several operations have them', () => {
    const own = { description: 'Another reason' };
    expect(shared({ 429: LIMITED }, { 429: own }, { 429: LIMITED })).toEqual({
      responses: [{ 429: SHARED }, { 429: own }, { 429: SHARED }],
      components: { TooManyRequests: LIMITED },
    });
  });

  it('stay in place if only one operation has them; successes stay always', () => {
    const responses = { 200: { description: 'Fine' }, 404: { description: 'Gone' } };
    expect(shared({ ...responses }, { 200: responses[200] })).toEqual({
      responses: [responses, { 200: responses[200] }],
      components: {},
    });
  });
});
