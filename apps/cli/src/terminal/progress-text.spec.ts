import { describe, expect, it } from '@jest/globals';
import { OPERATION, SUCCEEDED } from '../testing/operation-example.js';
import type { Operation } from '../producer/producer-api.js';
import { progressBar, progressText } from './progress-text.js';

function textOf(changes: Partial<Operation>, savedPerSecond: number | null = 50, notice?: string): string {
  return progressText({ operation: { ...OPERATION, ...changes }, savedPerSecond, notice });
}

describe('progress in words', () => {
  it('shows saved and sent orders, the rate, the time left and dead letters', () => {
    expect(textOf({ count: 100_000, acked: 61_234, saved: 43_210, deadLettered: 3 }, 9_300)).toBe(
      '43,210 of 100,000 saved, 61,234 sent, 9,300/s, 0:07 left, 3 dead letters',
    );
    expect(textOf({ acked: 1_000, status: 'succeeded' })).toBe('400 of 1,000 saved, all sent, 50/s, 0:12 left');
  });

  it('shows the records beyond the orders, whose dead letters the operation does not count', () => {
    const ackedFaults = { poison: 3, oversized: 0, duplicate: 5, conflict: 8 };
    expect(textOf({ deadLettered: 3, ackedFaults })).toMatch(
      /, 3 dead letters, 8 more dead letters, of conflict records beyond the orders$/,
    );
    expect(textOf({ ackedFaults: { ...ackedFaults, conflict: 1 } })).toMatch(
      /, 1 more dead letter, of a conflict record beyond the orders/,
    );
    expect(textOf({ ackedFaults: { ...ackedFaults, conflict: 0 } })).not.toContain('conflict');
  });

  it('omits what is not known yet', () => {
    expect(textOf({}, null)).toBe('400 of 1,000 saved, 600 sent');
    expect(textOf({}, 0)).toBe('400 of 1,000 saved, 600 sent, 0/s');
  });

  it('counts saved orders as sent, also if that figure is older', () => {
    expect(textOf({ count: 20_000, acked: 0, saved: 162 }, null)).toBe('162 of 20,000 saved, 162 sent');
  });

  it('shows the rows of an import that reads its files', () => {
    const counts = {
      files: 2,
      known: 0,
      refused: 0,
      rows: 1_200,
      accepted: 1_200,
      skipped: 0,
      conflicting: 0,
      malformed: 0,
    };
    const state = { code: 'reading', text: 'reading the files' } as const;
    expect(textOf({ kind: 'import', count: null, acked: 0, saved: null, import: counts, state }, null)).toBe(
      'reading the files, 1,200 rows so far',
    );
  });

  it('shows the letters of a redrive that were dead-lettered again', () => {
    const redrive = {
      filter: {},
      limit: null,
      maxRedrives: 5,
      moved: 208,
      saved: 100,
      returned: 8,
      waiting: 100,
      missing: 0,
      unmovable: 0,
    };
    expect(textOf({ kind: 'redrive', count: 208, acked: 208, saved: 100, deadLettered: 8, redrive }, 50)).toBe(
      '100 of 208 saved, all sent, 50/s, 0:02 left, 8 dead-lettered again',
    );
  });

  it('shows what the operation waits for, and a pending interruption', () => {
    expect(textOf({ waitingFor: 'consumers' })).toMatch(/, waits for the consumers$/);
    const savesWaitFor = 'consumer-1: suspended since noon';
    expect(textOf({ waitingFor: 'consumers', savesWaitFor })).toMatch(/, waits for consumer-1: suspended since noon$/);
    expect(textOf({ interruption: 'cancel' })).toMatch(/, about to cancel$/);
    expect(textOf({ status: 'paused' })).toMatch(/, paused$/);
  });

  it('shows no rate without a connection, only the last known figures', () => {
    expect(textOf({}, 50, 'connection lost')).toBe('connection lost; last seen: 400 of 1,000 saved, 600 sent');
  });

  it('bases the time left of a cancelled operation on its sent orders, and shows none when done', () => {
    expect(textOf({ status: 'cancelled', acked: 600, saved: 500 }, 50)).toContain('0:02 left');
    expect(textOf(SUCCEEDED, 0)).toBe('1,000 of 1,000 saved');
  });

  it('does not count dead letters as remaining', () => {
    expect(textOf({ saved: 900, deadLettered: 50 }, 50)).toContain('0:01 left');
  });
});

describe('the progress bar', () => {
  it('shows saved, acknowledged and remaining orders separately', () => {
    expect(progressBar(OPERATION, 12)).toBe('[####--....]');
    expect(progressBar({ ...OPERATION, saved: 300, deadLettered: 100 }, 12)).toBe('[####--....]');
    expect(progressBar(SUCCEEDED, 12)).toBe('[##########]');
  });

  it('is empty while the figures are unknown', () => {
    expect(progressBar({ ...OPERATION, saved: null, acked: 0 }, 12)).toBe('[..........]');
    expect(progressBar({ ...OPERATION, count: null }, 12)).toBe('[..........]');
  });
});
