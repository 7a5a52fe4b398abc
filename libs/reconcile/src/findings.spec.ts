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

describe('Findings', () => {
  it('holds if every acknowledged order is accounted for, but is pending while the operation runs', () => {
    expect(found(5).verdict(false, 5)).toBe('holds');
    expect(found(5).verdict(true, 5)).toBe('pending');
  });

  it('is pending for pending orders, and broken for a lost one', () => {
    const pending = [missing(0, { blame: 'not-yet-saved' }), missing(1, { blame: 'not-yet-projected' })];
    expect(found(3, ...pending).verdict(false, 5)).toBe('pending');
    expect(found(2, ...pending, missing(2)).verdict(false, 5)).toBe('broken');
  });

  it('is broken if orders are not accounted for, even while the operation runs', () => {
    expect(found(4).verdict(false, 5)).toBe('broken');
    expect(found(4).verdict(true, 5)).toBe('broken');
  });

  it('is broken for a lost extra record, which does not count as a missing order', () => {
    const findings = found(5, missing(0, { fault: 'conflict' }));
    expect([findings.verdict(false, 5), findings.figures(true).missing]).toEqual(['broken', 0]);
  });

  it('counts all lost records and lists the first hundred', () => {
    const findings = found(0, ...Array.from({ length: 250 }, (_, index) => missing(index)));
    const { missing: count, missingRecords, blames } = findings.figures(false);
    expect([count, missingRecords.length, blames]).toEqual([250, 100, { 'committed-past': 250 }]);
  });

  it('holds with archived orders, and is broken if an archive is missing or damaged', () => {
    const findings = found(3);
    findings.counts.archived = 2;
    expect(findings.verdict(false, 5)).toBe('holds');
    findings.addArchiveProblem('it is missing');
    expect([findings.verdict(false, 5), findings.figures(false).archiveProblems]).toEqual([
      'broken',
      ['it is missing'],
    ]);
  });
});
