import type { Machine } from '../dev/machine/machine.js';
import { OracleScaler, PolicyScaler } from './autoscaling/scalers.js';
import {
  RATE_PER_CONSUMER,
  runDay,
  type Scaler,
  type SeededDay,
  seededDay,
  SET_UP as DAY_SET_UP,
} from './autoscaling/simulated-day.js';
import { type Band, barChart, type Level, lineChart, movingMean, type Point, type Series } from './charts.js';
import { type ComparisonReport, figure } from './comparison.js';
import { type EndToEndRun, LIMITS, memoryLimitOf, type RunSample, SET_UP } from './end-to-end.js';
import { median, type Result } from './result.js';
import { MEAN_SAVE_SECONDS } from './stack-benchmarks.js';

// The charts of docs/benchmarks.md.

const GREY = '#57606a';
const BLUE = '#0969da';
const ORANGE = '#bc4c00';

const MEAN_OVER_SECONDS = 5;
/** Producer and consumers have the same colours in both panels. */
const [PRODUCER, CONSUMERS] = [BLUE, ORANGE];

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
            colour: GREY,
            y: LIMITS.ordersPerSecond,
          },
        ],
      },
      { title: 'resident memory, MiB', height: 120, series: memoryOf(run), levels: memoryLevels(run) },
    ],
  });
}

/** Returns the rates between successive samples by their actual times, so that a late sample does not look like a slow second. */
function ratesOf(samples: readonly RunSample[], count: (sample: RunSample) => number): Point[] {
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
    return y === null ? [] : [{ label: `limit of the ${name}, ${y}`, colour, y }];
  });
}

/** Leaves out the servers, whose memory is configured. */
function shownOf(processes: EndToEndRun['processes']): { name: string; colour: string }[] {
  return processes.flatMap(({ name }) => {
    if (memoryLimitOf(name) === null) return [];
    return [{ name, colour: name === 'producer' ? PRODUCER : CONSUMERS }];
  });
}

const SEED = 1;
const EVERY_SECONDS = 60;
const HOUR = 3_600;

/** Draws one seeded day: the load, the wait, the consumers of the policy and of the oracle, and the verdicts. */
export function autoscalingChart(): string {
  const day = seededDay(SEED);
  const scaler = new PolicyScaler();
  const policy = sampledDay(day, scaler);
  const oracle = sampledDay(day, new OracleScaler(day, DAY_SET_UP));
  const goal = DAY_SET_UP.drainSeconds;
  const special = day.events.filter(({ label }) => label !== 'burst');
  return lineChart({
    title: 'A seeded day: what arrives, how long orders wait, and how many consumers there are',
    subtitle: `one consumer saves ${RATE_PER_CONSUMER.toLocaleString('en-US')}/s; each rebalance stops all saves for ${DAY_SET_UP.pauseSeconds} s; shaded: a stalled database, a hot key, a slow database; simulated`,
    horizontal: 'hours',
    bands: special.map((event): Band => ({ label: event.label, from: event.from / HOUR, to: event.to / HOUR })),
    panels: [
      {
        title: 'arriving, in consumers',
        height: 130,
        series: [{ label: 'load', colour: GREY, points: meanOf(day.arrivals) }],
        levels: [],
      },
      {
        title: 'wait, in s',
        height: 110,
        series: [{ label: 'policy', colour: BLUE, points: policy.waits }],
        levels: [{ label: `goal, ${goal} s`, colour: GREY, y: goal }],
      },
      {
        title: 'consumers',
        height: 170,
        series: [
          { label: 'oracle', colour: ORANGE, points: oracle.consumers },
          { label: 'policy', colour: BLUE, points: policy.consumers },
        ],
        levels: [],
      },
      {
        title: 'verdicts: 2 helped, 1 unknown, 0 reverted',
        height: 50,
        series: [{ label: 'verdict', colour: '#8250df', points: verdictsOf(scaler) }],
        levels: [],
      },
    ],
  });
}

/** Runs the day, and samples it once a minute. A wait is drawn up to three times the goal. */
function sampledDay(day: SeededDay, scaler: Scaler): { readonly consumers: Point[]; readonly waits: Point[] } {
  const [consumers, waits]: [Point[], Point[]] = [[], []];
  runDay(day, DAY_SET_UP, scaler, ({ second, working, lag }) => {
    if (second % EVERY_SECONDS !== 0) return;
    consumers.push({ x: second / HOUR, y: working });
    waits.push({ x: second / HOUR, y: Math.min(3 * DAY_SET_UP.drainSeconds, lag / (working * RATE_PER_CONSUMER)) });
  });
  return { consumers, waits };
}

function meanOf(arrivals: Float64Array): Point[] {
  const points: Point[] = [];
  for (let second = 0; second < arrivals.length; second += EVERY_SECONDS) {
    const sum = arrivals.slice(second, second + EVERY_SECONDS).reduce((total, each) => total + each, 0);
    points.push({ x: second / HOUR, y: sum / EVERY_SECONDS / RATE_PER_CONSUMER });
  }
  return points;
}

/** A spike for each verdict: up for a step that helped, down to 0 for one that was reverted. */
function verdictsOf({ decisions }: PolicyScaler): Point[] {
  const heights: Partial<Record<string, number>> = { helped: 2, 'no-gain': 0 };
  const judged = decisions.filter(({ reason }) => ['helped', 'not-judged', 'no-gain'].includes(reason));
  return judged.flatMap(({ second, reason }) => [
    { x: (second - EVERY_SECONDS) / HOUR, y: 1 },
    { x: second / HOUR, y: heights[reason] ?? 1 },
    { x: (second + EVERY_SECONDS) / HOUR, y: 1 },
  ]);
}

const CONTENDER = /^(?<consumers>\d+) x (?<inFlight>\d+)$/;
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
            colour: GREY,
            points: [ORIGIN, { x: most, y: most / MEAN_SAVE_SECONDS }],
          },
          { label: 'one consumer', colour: ORANGE, points: [ORIGIN, ...one] },
          ...(many.length > 1
            ? [{ label: `consumers with ${each} each`, colour: BLUE, points: [ORIGIN, ...many] }]
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
    const { consumers, inFlight } = CONTENDER.exec(contender)?.groups ?? {};
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

/** Draws the comparison of `npm run compare`: each way with its theoretical minimum. */
export function comparisonChart({ orders, saveMs, machine, results }: ComparisonReport): string {
  const [fastest] = results.toSorted((a, b) => a.seconds - b.seconds);
  const slowest = results.find(({ inFlight }) => inFlight === 1);
  const before =
    slowest === undefined ? '' : `${slowest.sampled ? 'about ' : ''}${figure(slowest.seconds)} s one after another, `;
  return barChart({
    title: `${whole(orders)} slow saves: ${before}${figure(fastest?.seconds ?? 0)} s in flight`,
    subtitle: [
      `the same ${whole(orders)} orders, each save waits ${saveMs.minimum} to ${saveMs.maximum} ms; Kafka, MongoDB, producer and consumers on ${machine.cores} cores`,
      'the line in each bar: what the waits alone take, in theory; lighter bars: calculated from a sample',
    ],
    horizontal: 'seconds from the populate until all are saved; the axis is logarithmic',
    bars: results.map(({ label, consumers, seconds, theorySeconds, sampled, ordersPerSecond, timesFaster }) => {
      const faster = timesFaster === null || timesFaster === 1 ? '' : `, ${figure(timesFaster)}×`;
      return {
        name: `${label}, ${consumers} ${consumers === 1 ? 'consumer' : 'consumers'}`,
        group: label,
        value: seconds,
        bound: theorySeconds,
        figures: `${sampled ? '~' : ''}${figure(seconds)} s, ${figure(ordersPerSecond)} orders/s${faster}`,
        isCalculated: sampled,
      };
    }),
  });
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
