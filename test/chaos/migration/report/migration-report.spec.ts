import { describe, expect, it } from '@jest/globals';
import type { CellResult, JourneyResult } from '../journey/journey-result.js';
import { cellText, emptyCells, migrationReport } from './migration-report.js';

const cell = (column: string, kind: string, more: Partial<CellResult> = {}): CellResult => ({
  column,
  kind,
  subject: 'legacy',
  lastedMs: 1_000,
  recoveredMs: 500,
  answered: 9,
  failed: 1,
  rolledBack: false,
  ...more,
});
const journey = (number: number, cells: readonly CellResult[], more: Partial<JourneyResult> = {}): JourneyResult => ({
  seed: 7,
  journey: number,
  commit: 'abc',
  tookMs: 60_000,
  cells,
  findings: [{ name: 'nothing is lost', holds: true, detail: '1,000 writes, slowest 1.5 s' }],
  acknowledged: 10,
  readsAnswered: 10,
  allowed: { 'legacy-away': 1 },
  refusals: {},
  ...more,
});
const GIVEN = { seed: 7, kinds: ['kill', 'pause'], columns: ['off', 'live'], machine: { cores: 2, memoryGiB: 4 } };

describe('the report of a migration under faults', () => {
  const whole = [
    journey(1, [cell('off', 'kill'), cell('live', 'pause')]),
    journey(2, [cell('off', 'pause'), cell('live', 'kill', { recoveredMs: null })]),
  ];

  it('has a table of kinds of faults by stages, and names its empty cells', () => {
    expect(emptyCells({ ...GIVEN, journeys: whole })).toEqual([]);
    expect(emptyCells({ ...GIVEN, journeys: whole.slice(0, 1) })).toEqual(['off: pause', 'live: kill']);
    const lines = migrationReport({ ...GIVEN, journeys: whole } as never).split('\n');
    expect(lines).toContain('| off | ✓ 1/10 | ✓ 1/10 |');
    expect(lines).toContain('| live | **✗** 1/10 | ✓ 1/10 |');
  });

  it('adds up repeated faults', () => {
    expect(cellText([cell('off', 'kill'), cell('off', 'kill', { failed: 3 })], 'off', 'kill')).toBe('✓ 4/22');
  });

  it('adds up the figures of all journeys, and takes the longest time', () => {
    const slow = { findings: [{ name: 'nothing is lost', holds: true, detail: '500 writes, slowest 2.5 s' }] };
    const text = migrationReport({ ...GIVEN, journeys: [whole[0], journey(2, [], slow)] } as never);
    expect(text).toContain('| nothing is lost | passed | 1,500 writes, slowest 2.5 s |');
  });

  it('keeps texts apart that differ in more than figures', () => {
    const other = { findings: [{ name: 'nothing is lost', holds: true, detail: '7 reads' }] };
    const text = migrationReport({ ...GIVEN, journeys: [whole[0], journey(2, [], other)] } as never);
    expect(text).toContain('| nothing is lost | passed | 1,000 writes, slowest 1.5 s; 7 reads |');
  });

  it('shows a check that failed in one journey as failed', () => {
    const lost = { findings: [{ name: 'nothing is lost', holds: false, detail: 'order 7 is missing' }] };
    const text = migrationReport({ ...GIVEN, journeys: [whole[0], journey(2, [], lost)] } as never);
    expect(text).toContain('# A check failed');
    expect(text).toContain('| nothing is lost | **failed** | journey 2: order 7 is missing |');
  });
});
