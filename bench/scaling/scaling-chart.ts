import type { Machine } from '../../dev/machine/machine-description.js';
import type { Result } from '../harness/benchmark.js';
import { lineChart } from '../../dev/charts/line-chart.js';
import type { Point } from '../../dev/charts/moving-mean.js';
import { median } from '../harness/statistics.js';
import { MEAN_SAVE_SECONDS } from './scaled-run.js';

const SET_UP = /^(?<consumers>\d+) x (?<inFlight>\d+)$/;
/** Origin of the axes. */
const ORIGIN: Point = { x: 0, y: 0 };

/** Draws orders saved per second by orders in flight: for one consumer, for several consumers, and the theoretical maximum. */
export function scalingChart(results: readonly Result[], { cores }: Pick<Machine, 'cores'>): string {
  const rates = ratesBySetUp(results);
  const one = pointsOf(rates.filter(({ consumers }) => consumers === 1));
  const each = Math.min(...rates.filter(({ consumers }) => consumers > 1).map(({ inFlight }) => inFlight));
  const many = pointsOf(rates.filter(({ inFlight }) => inFlight === each));
  const most = Math.max(0, ...one.map(({ x }) => x), ...many.map(({ x }) => x));
  return lineChart({
    title: 'Saved per second, by orders in flight',
    subtitle: `each save waits 0 to 1000 ms, in order per account, six indexes; all on ${cores} cores`,
    horizontal: 'orders in flight, of all consumers together',
    panels: [
      {
        title: 'orders saved per second',
        height: 300,
        series: [
          {
            label: 'theoretical maximum',
            colour: '#8c959f',
            points: [ORIGIN, { x: most, y: most / MEAN_SAVE_SECONDS }],
          },
          { label: 'one consumer', colour: '#bc4c00', points: [ORIGIN, ...one] },
          ...(many.length > 1
            ? [{ label: `consumers with ${each} each`, colour: '#0969da', points: [ORIGIN, ...many] }]
            : []),
        ],
        levels: [],
      },
    ],
  });
}

interface Rate {
  readonly consumers: number;
  readonly inFlight: number;
  readonly perSecond: number;
}

/** Returns the median of all runs of each set-up, over all benchmarks. */
function ratesBySetUp(results: readonly Result[]): Rate[] {
  const runs = results.filter(({ name }) => name.startsWith('scaling-')).flatMap((result) => result.runs);
  return [...Map.groupBy(runs, ({ contender }) => contender)].flatMap(([contender, own]) => {
    const { consumers, inFlight } = SET_UP.exec(contender)?.groups ?? {};
    if (consumers === undefined || inFlight === undefined) return [];
    const perSecond = median(own.map(({ value }) => value));
    return { consumers: Number(consumers), inFlight: Number(inFlight), perSecond };
  });
}

function pointsOf(rates: readonly Rate[]): Point[] {
  return rates
    .map(({ consumers, inFlight, perSecond }) => ({ x: consumers * inFlight, y: perSecond }))
    .toSorted((a, b) => a.x - b.x);
}
