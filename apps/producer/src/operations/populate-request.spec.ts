import { describe, expect, it } from '@jest/globals';
import { PopulateRequestSchema, withDefaults } from './populate-request.js';

const NOW = new Date('2026-06-15T12:00:00Z');

function rejectedFields(body: unknown): string[] {
  const result = PopulateRequestSchema.safeParse(body);
  const issues = result.error?.issues ?? [];
  return [...new Set(issues.flatMap((issue) => ('keys' in issue ? issue.keys : [issue.path.join('.')])))];
}

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

  it.each([0, -1, 1.5, 10_000_001, '10', null, undefined, Number.NaN])('rejects count %s', (count) => {
    expect(rejectedFields({ count })).toEqual(['count']);
  });

  it.each<[string, unknown]>([
    ['seed', -1],
    ['seed', 2 ** 53],
    ['chunkSize', 0],
    ['ratePerSecond', 0],
    ['accounts', 1.5],
    ['from', 'yesterday'],
    ['to', '1969-12-31T23:59:59Z'],
    ['unheardOf', 1],
  ])('rejects an invalid %s and names the field', (field, value) => {
    expect(rejectedFields({ count: 1, [field]: value })).toEqual([field]);
  });

  it('accepts a mix of faults, with 0 for missing ones', () => {
    const { faults } = PopulateRequestSchema.parse({ count: 10, faults: { poison: 0.1, conflict: 1 } });
    expect(faults).toEqual({ poison: 0.1, oversized: 0, duplicate: 0, conflict: 1 });
    expect(withDefaults(PopulateRequestSchema.parse({ count: 1, faults: {} }), NOW, () => 0).faults).toBeNull();
  });

  it.each<[string, object]>([
    ['faults.poison', { poison: -0.1 }],
    ['faults.conflict', { conflict: 1.1 }],
    ['faults.duplicate', { duplicate: '0.1' }],
    ['faults.oversized', { poison: 0.6, oversized: 0.6 }],
    ['sleepy', { sleepy: 1 }],
  ])('rejects an invalid %s and names the field', (field, faults) => {
    expect(rejectedFields({ count: 1, faults })).toEqual([field]);
  });

  it('rejects an empty time range', () => {
    const at = '2026-01-01T00:00:00Z';
    expect(rejectedFields({ count: 1, from: at, to: at })).toEqual(['from']);
  });
});
