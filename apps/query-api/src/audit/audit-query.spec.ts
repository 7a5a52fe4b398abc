import { describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { AuditQuerySchema, nextPage, toMongoFilter } from './audit-query.js';

function filterOf(query: object): ReturnType<typeof toMongoFilter> {
  return toMongoFilter(AuditQuerySchema.parse(query));
}

function idAt(at: string): string {
  return uuidv7({ msecs: Date.parse(at) });
}

describe('a query of the audit', () => {
  it('has no filter by default, and at most 1,000 events a page', () => {
    expect(filterOf({})).toEqual({});
    expect(AuditQuerySchema.parse({}).pageSize).toBe(100);
    expect(AuditQuerySchema.safeParse({ pageSize: '1001' }).success).toBe(false);
    expect(AuditQuerySchema.safeParse({ who: 'ada' }).success).toBe(false);
  });

  it('filters by who, what and outcome', () => {
    expect(filterOf({ subject: 'ada', action: 'populate', outcome: 'refused' })).toEqual({
      subject: 'ada',
      action: 'populate',
      outcome: 'refused',
    });
  });

  it('finds the events of a range of time by their ids', () => {
    const { _id } = filterOf({ from: '2026-01-31', to: '2026-01-31' }) as { _id: { $gte: string; $lt: string } };
    const isIn = (id: string): boolean => id >= _id.$gte && id < _id.$lt;
    expect(
      ['2026-01-30T23:59:59.999Z', '2026-01-31T00:00:00.000Z', '2026-01-31T23:59:59.999Z', '2026-02-01T00:00:00.000Z']
        .map(idAt)
        .map(isIn),
    ).toEqual([false, true, true, false]);
  });

  it('continues before the last event, and within its range', () => {
    const before = '01990000-0000-7000-8000-000000000000';
    expect(filterOf({ before, to: '2026-01-31' })).toEqual({ _id: { $lt: before } });
    expect(filterOf({ before: before.toUpperCase(), from: '2020-01-01' })).toMatchObject({ _id: { $lt: before } });
  });

  it('has a next page with the same filters', () => {
    const given = { to: '2026-01-31', outcome: 'done', pageSize: '2', before: 'a' };
    expect(nextPage(given, 'b')).toBe('/v1/audit?to=2026-01-31&outcome=done&pageSize=2&before=b');
  });
});
