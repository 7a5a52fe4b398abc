import { describe, expect, it } from '@jest/globals';
import { describeReport } from './describe-report.js';
import { hasLosses, type RestoreReport } from './restore-report.js';

const WHOLE: RestoreReport = {
  backup: 'b',
  createdAt: '2026-11-28T01:00:00.000Z',
  restoredAt: '2026-11-28T02:00:00.000Z',
  seconds: 12.3,
  documents: 4_567,
  numbers: { backup: 1_000, next: 1_001, skipped: 0 },
  log: { records: 0, foreign: 0, undecodable: 0 },
  lostOperations: [],
  progressedOperations: [],
  pausedOperations: [],
  redrivenLetters: [],
  lostBetween: { from: '2026-11-28T01:00:00.000Z', to: '2026-11-28T02:00:00.000Z' },
  facadeNextNumber: null,
  formerPartitions: null,
};
const times = { from: '2026-11-28T01:10:00.000Z', to: '2026-11-28T01:20:00.000Z' };

describe('the report of a restore', () => {
  it('says what was restored, and in which time what is only in MongoDB is lost', () => {
    const text = describeReport(WHOLE).join('\n');
    expect(text).toContain('4,567 documents in 12.3 s. The next order number is 1,001.');
    expect(text).toContain('between 2026-11-28T01:00:00.000Z and 2026-11-28T02:00:00.000Z, is lost');
    expect(text).not.toMatch(/paused|skipped|facade assigns|partitions/);
    expect(hasLosses(WHOLE)).toBe(false);
  });

  it('names operations, and what to do about them', () => {
    const report: RestoreReport = {
      ...WHOLE,
      lostOperations: [{ id: 'lost', records: 20, firstNumber: 1_001, lastNumber: 1_020, ...times }],
      pausedOperations: [{ id: 'ran', kind: 'populate', acked: 7, count: 9_000 }],
      redrivenLetters: Array.from({ length: 12 }, (_, offset) => `orders.v1/0/${offset}`),
      numbers: { backup: 1_000, next: 100_001_021, skipped: 100_000_000 },
      facadeNextNumber: 2_000_000,
      formerPartitions: 12,
    };
    const text = describeReport(report).join('\n');
    expect(text).toContain('lost: 20 records in the log, order numbers 1,001 to 1,020');
    expect(text).toContain('populate ran: 7 of 9,000 orders sent at the backup');
    expect(text).toContain('orders.v1/0/9\n  … 2 more');
    expect(text).toContain('100,000,000 order numbers are skipped');
    expect(text).toContain('legacy numbers from 2,000,000 on');
    expect(text).toContain('had 12 partitions at the backup');
    expect(hasLosses(report)).toBe(true);
  });
});
