import { describe, expect, it } from '@jest/globals';
import { Findings } from './findings.js';
import type { MissingRecord } from './report.js';

const missing = (index: number, change: Partial<MissingRecord> = {}): MissingRecord => ({
  index,
  number: index + 1,
  id: 'x',
  fault: null,
  partition: 0,
  offset: index,
  blame: 'committed-past',
  ...change,
});

function found(saved: number, ...records: MissingRecord[]): Findings {
  const findings = new Findings();
  findings.counts.saved = saved;
  for (const record of records) findings.addMissing(record);
  return findings;
}

describe('what reconciling has found', () => {
  it('holds when every acknowledged order is accounted for, and not as long as the operation runs', () => {
    expect(found(5).verdict(false, 5)).toBe('holds');
    expect(found(5).verdict(true, 5)).toBe('pending');
  });

  it('is pending for orders that are on their way, and broken for one that is not', () => {
    const onTheirWay = [missing(0, { blame: 'not-yet-saved' }), missing(1, { blame: 'not-yet-projected' })];
    expect(found(3, ...onTheirWay).verdict(false, 5)).toBe('pending');
    expect(found(2, ...onTheirWay, missing(2)).verdict(false, 5)).toBe('broken');
  });

  it('is broken when orders have escaped it, whatever it has found of the others', () => {
    expect(found(4).verdict(false, 5)).toBe('broken');
    expect(found(4).verdict(true, 5)).toBe('broken');
  });

  it('is broken for a lost extra record, which is no order', () => {
    const findings = found(5, missing(0, { fault: 'conflict' }));
    expect([findings.verdict(false, 5), findings.figures(true).missing]).toEqual(['broken', 0]);
  });

  it('counts all that is lost and lists the first hundred', () => {
    const findings = found(0, ...Array.from({ length: 250 }, (_, index) => missing(index)));
    const { missing: count, missingRecords, blames } = findings.figures(false);
    expect([count, missingRecords.length, blames]).toEqual([250, 100, { 'committed-past': 250 }]);
  });
});
