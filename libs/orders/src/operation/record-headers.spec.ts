import { describe, expect, it } from '@jest/globals';
import { originHeaders, readOrigin } from './record-headers.js';

const origin = { operationId: '01935c9e-8a00-7000-8000-000000000001', index: 4_711 };

function asRead(headers: Record<string, string>): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]));
}

describe('record headers', () => {
  it('round-trip the operation and the index', () => {
    expect(readOrigin(asRead(originHeaders(origin)))).toEqual(origin);
  });

  it('round-trip the injected fault, and ignore an unknown one', () => {
    expect(readOrigin(asRead(originHeaders({ ...origin, fault: 'conflict' })))).toEqual({
      ...origin,
      fault: 'conflict',
    });
    expect(readOrigin(asRead({ ...originHeaders(origin), fault: 'x' }))).toEqual(origin);
  });

  it.each<[string, Record<string, string>]>([
    ['no headers', {}],
    ['an invalid operation id', { 'operation-id': 'x', index: '1' }],
    ['an operation id with the characters of a UUID, but not its form', { 'operation-id': '-'.repeat(36), index: '1' }],
    ['no index', { 'operation-id': origin.operationId }],
    ['a negative index', { 'operation-id': origin.operationId, index: '-1' }],
  ])('give no origin for %s', (_, headers) => {
    expect(readOrigin(asRead(headers))).toBeUndefined();
  });
});
