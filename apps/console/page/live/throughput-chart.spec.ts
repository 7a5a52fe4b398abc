import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { FigureHistory } from '../../src/pipeline/figure-history.js';
import { aChange, aVerdict } from '../../src/pipeline/testing/a-pipeline.js';
import {
  placeMarks,
  rowsOf,
  toMarks,
  type Mark,
  type PlacedMark,
  axisTexts,
  framed,
  timeText,
  timeWindow,
} from './throughput-chart.js';

const NOW = 1_700_000_100;

describe('chart marks', () => {
  it('have the time of a change, and a label with its kind and effect', () => {
    const one = { consumers: 1, inFlight: 1_000 };
    const four = { consumers: 4, inFlight: 1_000 };
    const verdict = aVerdict({ factor: 3.87 });
    const auto = { consumers: 4, inFlight: 'auto' as const };
    const crash = { consumer: 'consumer-3', partitions: 4, reassignedAfterSeconds: 9, hasReturned: false };
    const marks = toMarks([
      aChange({ kind: 'scaling', at: '1970-01-01T00:16:00Z', from: one, to: four, verdict }),
      aChange({ kind: 'scaling', at: '1970-01-01T00:16:20Z', from: four, to: auto }),
      aChange({ kind: 'rebalance', at: '1970-01-01T00:16:37Z' }),
      aChange({ kind: 'crash', at: '1970-01-01T00:16:38.500Z', crash }),
    ]);
    expect(marks).toEqual([
      { at: 960, kind: 'scaling', label: '1→4 consumers, 3.9 times' },
      { at: 980, kind: 'scaling', label: '1,000→auto in flight' },
      { at: 997, kind: 'rebalance', label: 'rebalance' },
      { at: 998.5, kind: 'crash', label: 'consumer-3 died' },
    ]);
  });
});

/** Marks at these times. */
function marksAt(...times: number[]): Mark[] {
  return times.map((at) => ({ at, kind: 'rebalance', label: 'rebalance' }));
}

/** Names what is on what: labels on labels, and lines on labels. A line goes from the row of its label down. */
function collisions(placed: readonly PlacedMark[]): string[] {
  return placed.flatMap((one) =>
    placed.flatMap((other) => {
      if (one === other || one.row === null) return [];
      const onLabel = other.row === one.row && other.from < one.to && one.from < other.to;
      const onLine = one.from < other.x && other.x < one.to && (other.row ?? Infinity) <= one.row;
      return [
        ...(onLabel ? [`label ${one.at} on ${other.at}`] : []),
        ...(onLine ? [`line ${other.at} on ${one.at}`] : []),
      ];
    }),
  );
}

describe('placing chart marks', () => {
  // With the gaps, a label is 100 wide.
  const space = { left: 60, right: 650, toX: (at: number) => at, widthOf: () => 88 };
  const rowsAt = (...times: number[]): (number | null)[] => placeMarks(marksAt(...times), space).map(({ row }) => row);

  it('puts a label left of its line, and the labels of older lines within it below', () => {
    expect(placeMarks(marksAt(300, 520, 600), space)).toMatchObject([
      { at: 600, x: 600, row: 0, from: 500, to: 600 },
      { at: 520, x: 520, row: 1, from: 420, to: 520 },
      { at: 300, x: 300, row: 0, from: 200, to: 300 },
    ]);
  });

  it('leaves out the labels of the oldest ones when there are more than four in one place', () => {
    expect(rowsAt(205, 210, 220, 230, 240, 250)).toEqual([0, 1, 2, 3, null, null]);
    expect([rowsOf(placeMarks(marksAt(205, 210), space)), rowsOf([])]).toEqual([2, 0]);
  });

  it('puts a label at the left edge to the right of its line, if no newer line is there', () => {
    expect(placeMarks(marksAt(70), space)).toMatchObject([{ x: 70, row: 0, from: 70, to: 170 }]);
    expect(rowsAt(70, 140)).toEqual([0, null]);
  });

  it('leaves out marks beyond the edges', () => {
    expect(placeMarks(marksAt(59, 651), space)).toEqual([]);
  });

  it('never puts a label on a label or on a line, wherever the marks are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 60, max: 650 }), { maxLength: 30 }), (times) => {
        expect(collisions(placeMarks(marksAt(...times.toSorted((a, b) => a - b)), space))).toEqual([]);
      }),
    );
  });
});

describe('the time axis', () => {
  it('ends now and has the chosen range, with and without data', () => {
    const window = timeWindow(NOW, 120);
    expect(window).toEqual([NOW - 120, NOW]);
    const empty = framed(new FigureHistory().points(window[0]), window);
    expect([empty.at, empty.values.saved]).toEqual([
      [NOW - 120, NOW],
      [null, null],
    ]);
    const history = new FigureHistory();
    history.add(NOW - 3, { produced: 5, saved: 4, inFlight: 0, lag: 0, consumers: 1 });
    const { at, values } = framed(history.points(window[0]), window);
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
