import { describe, expect, it } from '@jest/globals';
import { OPERATION, SUCCEEDED } from '../testing/operation-example.js';
import type { Operation } from '../producer/operation.js';
import { progressBar, progressText } from './progress-text.js';

function textOf(changes: Partial<Operation>, savedPerSecond: number | null = 50, notice?: string): string {
  return progressText({ operation: { ...OPERATION, ...changes }, savedPerSecond, notice });
}

describe('progress in words', () => {
  it('tells saved and acknowledged apart, the rate, and when all will be saved', () => {
    expect(textOf({ count: 100_000, acked: 61_234, saved: 43_210, deadLettered: 3 }, 9_300)).toBe(
      '43,210 saved, 61,234 acked of 100,000, 9,300/s, ETA 0:07, 3 dead letters',
    );
  });

  it('shows what is not known as such, never as 0', () => {
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

  it('says what it waits for, and what is about to happen', () => {
    expect(textOf({ waitingFor: 'consumers' })).toMatch(/, waits for the consumers$/);
    expect(textOf({ interruption: 'cancel' })).toMatch(/, about to cancel$/);
    expect(textOf({ status: 'paused' })).toMatch(/ETA \?, paused$/);
  });

  it('tells no rate without a connection, only what it has seen', () => {
    expect(textOf({}, 50, 'connection lost')).toBe('connection lost; last seen: 400 saved, 600 acked of 1,000');
  });

  it('expects of a cancelled one what was acknowledged, and nothing of one that is done', () => {
    expect(textOf({ status: 'cancelled', acked: 600, saved: 500 }, 50)).toContain('ETA 0:02');
    expect(textOf(SUCCEEDED, 0)).toContain('ETA 0:00');
  });

  it('takes dead letters off what is left', () => {
    expect(textOf({ saved: 900, deadLettered: 50 }, 50)).toContain('ETA 0:01');
  });
});

describe('the progress bar', () => {
  it('tells saved, acknowledged and to be made apart', () => {
    expect(progressBar(OPERATION, 12)).toBe('[####--....]');
    expect(progressBar({ ...OPERATION, saved: 300, deadLettered: 100 }, 12)).toBe('[####--....]');
    expect(progressBar(SUCCEEDED, 12)).toBe('[##########]');
  });

  it('is empty while nothing is known', () => {
    expect(progressBar({ ...OPERATION, saved: null, acked: null }, 12)).toBe('[..........]');
    expect(progressBar({ ...OPERATION, count: null }, 12)).toBe('[..........]');
  });
});
