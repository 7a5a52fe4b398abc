import { lineChart, type Level, type Series } from '../../dev/charts/line-chart.js';
import type { Machine } from '../../dev/machine/machine-description.js';
import { movingMean, type Point } from '../../dev/charts/moving-mean.js';
import { SET_UP, type EndToEndRun } from './end-to-end-run.js';
import type { RunSample } from './follow.js';
import { LIMITS } from './limits.js';
import { isConsumer, memoryLimitOf } from './verdict-rows.js';

const MEAN_OVER_SECONDS = 5;
/** Producer and consumers have the same colours in both panels. */
const PRODUCER = '#0969da';
const CONSUMERS = '#bc4c00';

/** Draws the run: orders produced and saved per second, and below them the memory of producer and consumers. */
export function runChart(run: EndToEndRun, { cores, memoryGiB }: Pick<Machine, 'cores' | 'memoryGiB'>): string {
  const { orders, seconds, samples } = run;
  const consumers = SET_UP.consumers === 1 ? 'one consumer' : `${SET_UP.consumers} consumers`;
  const facts = [
    `${consumers}, ${whole(SET_UP.inFlight)} in flight`,
    `each save waits ${SET_UP.saveMs.replace('..', ' to ')} ms`,
    `all on ${cores} cores and ${memoryGiB} GiB`,
    `means of ${MEAN_OVER_SECONDS} s`,
  ];
  return lineChart({
    title: `${whole(orders)} orders from the producer into MongoDB in ${whole(seconds)} s: ${whole(orders / seconds)} a second`,
    subtitle: facts.join('; '),
    horizontal: 'seconds since the populate request',
    panels: [
      {
        title: 'orders per second',
        height: 260,
        series: [
          { label: 'produced', colour: PRODUCER, points: smoothed(samples, ({ acked }) => acked) },
          { label: 'saved', colour: CONSUMERS, points: smoothed(samples, ({ saved }) => saved) },
        ],
        levels: [
          {
            label: `required average, ${whole(LIMITS.ordersPerSecond)}`,
            colour: '#57606a',
            y: LIMITS.ordersPerSecond,
          },
        ],
      },
      { title: 'resident memory, MiB', height: 120, series: memoryOf(run), levels: memoryLevels(run) },
    ],
  });
}

/** Returns the rates between successive samples by their actual times, so that a late sample does not look like a slow second. */
export function ratesOf(samples: readonly RunSample[], count: (sample: RunSample) => number): Point[] {
  let [second, before] = [0, 0];
  return samples.map((sample) => {
    const y = (count(sample) - before) / (sample.second - second);
    [second, before] = [sample.second, count(sample)];
    return { x: sample.second, y };
  });
}

function smoothed(samples: readonly RunSample[], count: (sample: RunSample) => number): Point[] {
  return movingMean(ratesOf(samples, count), MEAN_OVER_SECONDS);
}

function memoryOf({ processes, samples }: EndToEndRun): Series[] {
  return shownOf(processes).map(({ name, colour }) => ({
    label: name,
    colour,
    points: samples.flatMap(({ second, processes: { [name]: figures } }) =>
      figures === undefined ? [] : [{ x: second, y: figures.rssMiB }],
    ),
  }));
}

function memoryLevels({ processes }: EndToEndRun): Level[] {
  return shownOf(processes).flatMap(({ name, colour }) => {
    const y = memoryLimitOf(name);
    return y === undefined ? [] : [{ label: `limit, ${y}`, colour, y }];
  });
}

/** Leaves out the servers, whose memory is configured. */
function shownOf(processes: EndToEndRun['processes']): { name: string; colour: string }[] {
  return processes.flatMap(({ name }) => {
    if (name === 'producer') return [{ name, colour: PRODUCER }];
    return isConsumer(name) ? [{ name, colour: CONSUMERS }] : [];
  });
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
