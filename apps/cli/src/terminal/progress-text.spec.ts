import { describe, expect, it } from '@jest/globals';
import { OPERATION, SUCCEEDED } from '../testing/operation-example.js';
import type { Operation } from '../producer/operation.js';
import { progressBar, progressText } from './progress-text.js';

function textOf(changes: Partial<Operation>, savedPerSecond: number | null = 50, notice?: string): string {
  return progressText({ operation: { ...OPERATION, ...changes }, savedPerSecond, notice });
}

describe('progress in words', () => {
  it('shows saved and acknowledged orders separately, the rate and the ETA', () => {
    expect(textOf({ count: 100_000, acked: 61_234, saved: 43_210, deadLettered: 3 }, 9_300)).toBe(
      '43,210 saved, 61,234 acked of 100,000, 9,300/s, ETA 0:07, 3 dead letters',
    );
  });

  it('shows unknown values as a question mark, never as 0', () => {
    expect(textOf({ saved: null, acked: null, deadLettered: null, count: null }, null)).toBe(
      '? saved, ? acked of ?, ?/s, ETA ?, ? dead letters',
    );
    expect(
      progressText({
        operation: { id: 'x', kind: 'import', status: 'running' },
        savedPerSecond: null,
        notice: undefined,
      }),
    ).toBe('? saved, ? acked of ?, ?/s, ETA ?, ? dead letters');
    expect(textOf({}, 0)).toContain('ETA ?');
  });

  it('shows what the operation waits for, and a pending interruption', () => {
    expect(textOf({ waitingFor: 'consumers' })).toMatch(/, waits for the consumers$/);
    expect(textOf({ interruption: 'cancel' })).toMatch(/, about to cancel$/);
    expect(textOf({ status: 'paused' })).toMatch(/ETA \?, paused$/);
  });

  it('shows no rate without a connection, only the last known figures', () => {
    expect(textOf({}, 50, 'connection lost')).toBe('connection lost; last seen: 400 saved, 600 acked of 1,000');
  });

  it('bases the ETA of a cancelled operation on its acknowledged orders, and is 0 when done', () => {
    expect(textOf({ status: 'cancelled', acked: 600, saved: 500 }, 50)).toContain('ETA 0:02');
    expect(textOf(SUCCEEDED, 0)).toContain('ETA 0:00');
  });

  it('does not count dead letters as remaining', () => {
    expect(textOf({ saved: 900, deadLettered: 50 }, 50)).toContain('ETA 0:01');
  });
});

describe('the progress bar', () => {
  it('shows saved, acknowledged and remaining orders separately', () => {
    expect(progressBar(OPERATION, 12)).toBe('[####--....]');
    expect(progressBar({ ...OPERATION, saved: 300, deadLettered: 100 }, 12)).toBe('[####--....]');
    expect(progressBar(SUCCEEDED, 12)).toBe('[##########]');
  });

  it('is empty while the figures are unknown', () => {
    expect(progressBar({ ...OPERATION, saved: null, acked: null }, 12)).toBe('[..........]');
    expect(progressBar({ ...OPERATION, count: null }, 12)).toBe('[..........]');
  });
});
