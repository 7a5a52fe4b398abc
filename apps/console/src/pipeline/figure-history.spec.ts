import { describe, expect, it } from '@jest/globals';
import { FigureHistory, type Figures } from './figure-history.js';

const START = 1_700_000_100;

function figures(saved: number | null): Figures {
  return { produced: 0, saved, inFlight: 10, lag: 0, consumers: 1 };
}

/** A history of seconds, each with its own index as the save rate. */
function history(seconds: number): FigureHistory {
  const recorded = new FigureHistory();
  for (let second = 0; second < seconds; second += 1) recorded.add(START + second, figures(second));
  return recorded;
}

describe('the history of figures', () => {
  it('has each of the last 300 seconds, then means of 5 s for 20 minutes and of 30 s for an hour', () => {
    const [fine, middle, coarse] = history(3_600).recorded();
    expect(fine).toMatchObject({ stepSeconds: 1, from: START + 3_300 });
    expect(fine?.saved).toEqual(Array.from({ length: 300 }, (_, index) => 3_300 + index));
    expect(middle).toMatchObject({ stepSeconds: 5, from: START + 2_400 });
    expect([middle?.saved.length, middle?.saved[0]]).toEqual([240, 2_402]);
    expect(coarse).toMatchObject({ stepSeconds: 30, from: START });
    expect([coarse?.saved.length, coarse?.saved[0]]).toEqual([120, 14.5]);
  });

  it('uses the same memory after a day as after an hour', () => {
    const [day, hour] = [86_400, 3_600].map((seconds) => history(seconds).points(0).at.length);
    expect(day).toBe(hour);
  });

  it('has points at the finest resolution that is left, in ascending order and without an overlap', () => {
    const { at, values } = history(3_600).points(0);
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    expect(new Set(at).size).toBe(at.length);
    expect(at.length).toBe(80 + 180 + 300);
    expect([at.at(-1), values.saved.at(-1)]).toEqual([START + 3_599, 3_599]);
    expect(history(3_600).points(START + 3_480).at).toHaveLength(120);
  });

  it('leaves a gap where nothing was recorded, or where a figure was unknown', () => {
    const recorded = history(3);
    recorded.add(START + 6, figures(null));
    recorded.add(START + 7, figures(7));
    const { at, values } = recorded.points(START);
    expect(at).toEqual(Array.from({ length: 8 }, (_, index) => START + index));
    expect(values.saved).toEqual([0, 1, 2, null, null, null, null, 7]);
    expect(values.inFlight).toEqual([10, 10, 10, null, null, null, 10, 10]);
  });

  it('forgets everything after a pause of more than an hour', () => {
    const recorded = history(600);
    recorded.add(START + 10_000, figures(5));
    expect(recorded.recorded().map(({ saved }) => saved)).toEqual([[5], [5], [5]]);
  });

  it('continues what another history has recorded', () => {
    const continued = FigureHistory.restore(history(3_600).recorded());
    expect(continued.points(0)).toEqual(history(3_600).points(0));
    expect(continued.newest).toBe(START + 3_599);
    continued.add(START + 3_600, figures(1));
    expect(continued.points(START + 3_599).values.saved).toEqual([3_599, 1]);
    expect(FigureHistory.restore([]).points(0).at).toEqual([]);
  });

  it('ignores a second that is older than the newest', () => {
    const recorded = history(10);
    recorded.add(START + 4, figures(100));
    expect(recorded.points(START).values.saved[4]).toBe(4);
  });
});
