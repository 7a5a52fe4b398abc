import { describe, expect, it } from '@jest/globals';
import type { OpenAPIObject } from '@nestjs/swagger';
import { shareResponses } from './share-responses.js';

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
