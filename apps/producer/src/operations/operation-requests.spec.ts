import { describe, expect, it } from '@jest/globals';
import { DeadLetterGroupsQuerySchema, DeadLettersQuerySchema } from '../dead-letters/dead-letter-api.js';
import { parseIdempotencyKey } from './idempotency-keys.js';
import {
  OperationsQuerySchema,
  PopulateRequestSchema,
  requireFaultInjection,
  withDefaults,
} from './operation-requests.js';
import { toPage } from './operation-response.js';

const NOW = new Date('2026-06-15T12:00:00Z');
const ID = '01935c9e-8a00-7000-8000-000000000001';

describe('the body of populate', () => {
  it('only requires count', () => {
    const request = PopulateRequestSchema.parse({ count: 10 });
    expect(withDefaults(request, NOW, () => 0.5)).toEqual({
      count: 10,
      seed: Math.floor(0.5 * Number.MAX_SAFE_INTEGER),
      chunkSize: 1_000,
      accounts: 100_000,
      ratePerSecond: null,
      from: new Date('2026-06-14T12:00:00Z'),
      to: NOW,
      faults: null,
    });
  });

  it.each<[field: string, object]>([
    ...[0, -1, 1.5, 10_000_001, '10', null, undefined, Number.NaN].map((count): [string, object] => [
      'count',
      { count },
    ]),
    ['seed', { seed: -1 }],
    ['seed', { seed: 2 ** 53 }],
    ['chunkSize', { chunkSize: 0 }],
    ['ratePerSecond', { ratePerSecond: 0 }],
    ['accounts', { accounts: 1.5 }],
    ['from', { from: 'yesterday' }],
    ['from', { from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }],
    ['to', { to: '1969-12-31T23:59:59Z' }],
    ['unheardOf', { unheardOf: 1 }],
    ['faults.poison', { faults: { poison: -0.1 } }],
    ['faults.conflict', { faults: { conflict: 1.1 } }],
    ['faults.duplicate', { faults: { duplicate: '0.1' } }],
    ['faults.oversized', { faults: { poison: 0.6, oversized: 0.6 } }],
    ['sleepy', { faults: { sleepy: 1 } }],
  ])('is rejected for an invalid %s, which is named: %j', (field, change) => {
    const issues = PopulateRequestSchema.safeParse({ count: 1, ...change }).error?.issues ?? [];
    const fields = issues.flatMap((issue) => ('keys' in issue ? issue.keys : [issue.path.join('.')]));
    expect(new Set(fields)).toEqual(new Set([field]));
  });

  it('accepts a mix of faults, with 0 for missing ones', () => {
    const { faults } = PopulateRequestSchema.parse({ count: 10, faults: { poison: 0.1, conflict: 1 } });
    expect(faults).toEqual({ poison: 0.1, oversized: 0, duplicate: 0, conflict: 1 });
    expect(withDefaults(PopulateRequestSchema.parse({ count: 1, faults: {} }), NOW, () => 0).faults).toBeNull();
  });
});

describe('fault injection', () => {
  const [write, inject] = ['orders:write', 'faults:inject'];
  const off = expect.objectContaining({
    status: 403,
    code: 'fault-injection-off',
    detail: expect.stringContaining('ALLOW_FAULT_INJECTION=true'),
  });
  const unscoped = expect.objectContaining({
    status: 403,
    code: 'insufficient-scope',
    headers: { 'WWW-Authenticate': expect.stringContaining('scope="faults:inject"') },
  });

  it.each([
    { what: 'refused unless the setting allows it', allowed: false, faults: { poison: 0.1 }, problem: off },
    { what: 'possible if the setting allows it', allowed: true, faults: { poison: 0.1 } },
    { what: 'refused without its scope', allowed: true, faults: { conflict: 1 }, scopes: [write], problem: unscoped },
    { what: 'possible with its scope', allowed: true, faults: { conflict: 1 }, scopes: [write, inject] },
    { what: 'refused with its scope alone', allowed: false, faults: { conflict: 1 }, scopes: [inject], problem: off },
    { what: 'not needed without faults', allowed: false, scopes: [write] },
    { what: 'not needed for shares of 0', allowed: false, faults: { poison: 0, duplicate: 0 } },
  ])('is $what', ({ allowed, faults, scopes, problem }) => {
    const issuer = scopes && { AUTH_ISSUER: 'https://issuer.example' };
    const settings = { ALLOW_FAULT_INJECTION: allowed, AUTH_AUDIENCE: 'orders', ...issuer };
    const caller = scopes ? { subject: 'ann', clientId: null, scopes: new Set(scopes), validUntil: 0 } : null;
    let thrown: unknown;
    try {
      requireFaultInjection(PopulateRequestSchema.parse({ count: 1, faults }), caller, settings);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toEqual(problem);
  });
});

describe('an idempotency key', () => {
  it.each(['a', '8e03978e-40d5-43dd-bc93-6894a57f9324', '"quoted"', '~'.repeat(255)])('is accepted as %s', (key) => {
    expect(parseIdempotencyKey(key)).toBe(key);
  });

  it("is the caller's own, if there is one", () => {
    const keys = [parseIdempotencyKey('a', { subject: 'ada' }), parseIdempotencyKey('a', { subject: 'bob' })];
    const joined = [parseIdempotencyKey('a', { subject: 'b c' }), parseIdempotencyKey('a', { subject: 'c' })];
    expect(new Set([...keys, ...joined, parseIdempotencyKey('a', null)]).size).toBe(5);
    expect(parseIdempotencyKey('a', null)).toBe('a');
  });

  it('is optional', () => {
    expect(parseIdempotencyKey(undefined, { subject: 'ada' })).toBeUndefined();
  });

  // Node joins duplicate headers with a comma and a space.
  it.each(['', 'x'.repeat(256), 'a b', 'one, two', 'é', 'a\tb'])(
    'is rejected as %j, and the header is named',
    (key) => {
      const header = expect.objectContaining({ field: 'Idempotency-Key', in: 'header' });
      expect(() => parseIdempotencyKey(key)).toThrow(expect.objectContaining({ extensions: { errors: [header] } }));
    },
  );
});

describe('the query of a list', () => {
  it.each([
    { status: 'done' },
    { kind: 'x' },
    { pageSize: '0' },
    { pageSize: '101' },
    { pageSize: ['1', '2'] },
    { before: '1' },
    { page: '1' },
  ])('of operations is rejected as %j', (query) => {
    expect(OperationsQuerySchema.safeParse(query).success).toBe(false);
  });

  it('of operations has a next page with the same filter', () => {
    const query = OperationsQuerySchema.parse({ before: ID, status: 'running', pageSize: '2' });
    const cursor = { name: 'before', placeOf: (item: string) => item } as const;
    const next = '/v1/operations?status=running&pageSize=2&before=y';
    expect(toPage(['x', 'y', 'z'], '/v1/operations', query, cursor)).toEqual({
      items: ['x', 'y'],
      page: { size: 2, next },
    });
    expect(toPage(['x', 'y'], '/v1/operations', query, cursor)).toEqual({ items: ['x', 'y'], page: { size: 2 } });
  });

  it('of dead letters finds an error code with spaces around it', () => {
    expect(DeadLettersQuerySchema.parse({ errorCode: ' conflict ' })).toMatchObject({ errorCode: 'conflict' });
    expect(DeadLetterGroupsQuerySchema.safeParse({ errorCode: ' ' }).success).toBe(false);
  });
});
