import { lineChart, type Band } from '../../dev/charts/line-chart.js';
import { movingMean, type Point } from '../../dev/charts/moving-mean.js';
import type { History } from './history.js';

const PRODUCED = '#0969da';
const SAVED = '#bc4c00';
const LAG = '#8250df';
const MEAN_OVER_SECONDS = 5;

type Samples = ReturnType<typeof samplesOf>;

/** Draws the orders acknowledged and saved per second and the lag, with the faults as shaded bands. */
export function timelineChart(history: Pick<History, 'of'>, subtitle: string): string {
  const samples = samplesOf(history);
  return lineChart({
    title: 'Orders acknowledged and saved during faults',
    subtitle,
    horizontal: 'seconds since the run began; faults are shaded',
    bands: bandsOf(history),
    panels: [
      {
        title: 'orders per second',
        height: 240,
        series: [
          { label: 'acknowledged', colour: PRODUCED, points: rates(samples, ({ acked }) => acked) },
          { label: 'saved', colour: SAVED, points: rates(samples, ({ saved }) => saved) },
        ],
        levels: [],
      },
      { title: 'lag: acknowledged but not saved yet', height: 120, series: [lag(samples)], levels: [] },
    ],
  });
}

function samplesOf(history: Pick<History, 'of'>) {
  return history.of('sample').map(({ at, sample: { acked, saved } }) => ({ x: at / 1_000, acked, saved }));
}

function bandsOf(history: Pick<History, 'of'>): Band[] {
  const ends = new Map(history.of('fault-ends').map(({ place, at }) => [place, at]));
  return history.of('fault-begins').map(({ place, at, kind, subject }) => ({
    label: `${kind}: ${subject}`,
    from: at / 1_000,
    to: (ends.get(place) ?? at) / 1_000,
  }));
}

/** Rates between samples with a known count. */
function rates(samples: Samples, countOf: (sample: Samples[number]) => number | null): Point[] {
  const known = samples.flatMap((sample) => {
    const y = countOf(sample);
    return y === null ? [] : [{ x: sample.x, y }];
  });
  const points = known.slice(1).map(({ x, y }, at) => {
    const before = known[at] as Point;
    return { x, y: Math.max(0, (y - before.y) / (x - before.x)) };
  });
  return movingMean(points, MEAN_OVER_SECONDS);
}

function lag(samples: Samples): { label: string; colour: string; points: Point[] } {
  const points = samples.flatMap(({ x, acked, saved }) =>
    acked === null ? [] : [{ x, y: Math.max(0, acked - saved) }],
  );
  return { label: 'lag', colour: LAG, points };
}
