import { describe, expect, it } from '@jest/globals';
import { FigureHistory } from '../../src/history/figure-history.js';
import { axisTexts, framed, timeText, timeWindow } from './time-axis.js';

const NOW = 1_700_000_100;

describe('the time axis', () => {
  it('ends now and has the chosen range, with and without data', () => {
    const window = timeWindow(NOW, 120);
    expect(window).toEqual({ from: NOW - 120, to: NOW });
    const empty = framed(new FigureHistory().points(window.from), window);
    expect([empty.at, empty.values.saved]).toEqual([
      [NOW - 120, NOW],
      [null, null],
    ]);
    const history = new FigureHistory();
    history.add(NOW - 3, { produced: 5, saved: 4, inFlight: 0, lag: 0, consumers: 1 });
    const { at, values } = framed(history.points(window.from), window);
    expect([at[0], at.at(-1)]).toEqual([NOW - 120, NOW]);
    expect(values.produced).toHaveLength(at.length);
    expect(values.produced.filter((value) => value !== null)).toEqual([5]);
  });

  it('shows seconds when its times are less than a minute apart, so that no two are the same', () => {
    const noon = Date.parse('2026-01-31T12:00:00Z') / 1_000;
    expect(axisTexts([noon, noon + 30])).toEqual(['12:00:00', '12:00:30']);
    expect(axisTexts([noon, noon + 600])).toEqual(['12:00', '12:10']);
    expect(timeText(noon + 5)).toBe('12:00:05');
  });
});
