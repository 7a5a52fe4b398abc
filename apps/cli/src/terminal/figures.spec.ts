import { describe, expect, it } from '@jest/globals';
import { bytes, count, duration } from './figures.js';

describe('figures', () => {
  it('are formatted for people, with a question mark for unknown values', () => {
    expect([count(61_234), count(0), count(null), count(undefined)]).toEqual(['61,234', '0', '?', '?']);
    expect([duration(3.2), duration(60), duration(200), duration(7_500), duration(null)]).toEqual([
      '0:04',
      '1:00',
      '3:20',
      '2:05:00',
      '?',
    ]);
    expect([bytes(0), bytes(512), bytes(1_536), bytes(2 ** 31)]).toEqual(['0 B', '512 B', '1.5 KiB', '2.0 GiB']);
  });
});
