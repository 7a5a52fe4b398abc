import { lineChart, type Band } from '../../dev/charts/line-chart.js';
import type { Point } from '../../dev/charts/moving-mean.js';
import { OracleScaler } from './oracle-scaler.js';
import { PolicyScaler } from './policy-scaler.js';
import { runDay, type Scaler } from './scaler.js';
import { RATE_PER_CONSUMER, seededDay, type SeededDay } from './seeded-day.js';
import { SET_UP } from './simulated-pipeline.js';

const SEED = 1;
const EVERY_SECONDS = 60;
const HOUR = 3_600;
const LOAD = '#8c959f';
const POLICY = '#0969da';
const ORACLE = '#bc4c00';

/** Draws one seeded day: the load, the wait, the consumers of the policy and of the oracle, and the verdicts. */
export function autoscalingChart(): string {
  const day = seededDay(SEED);
  const scaler = new PolicyScaler();
  const policy = sampled(day, scaler);
  const oracle = sampled(day, new OracleScaler(day, SET_UP));
  const goal = SET_UP.drainSeconds;
  const special = day.events.filter(({ label }) => label !== 'burst');
  return lineChart({
    title: 'A seeded day: what arrives, how long orders wait, and how many consumers there are',
    subtitle: `one consumer saves ${RATE_PER_CONSUMER.toLocaleString('en-US')}/s; each rebalance stops all saves for ${SET_UP.pauseSeconds} s; shaded: a stalled database, a hot key, a slow database; simulated`,
    horizontal: 'hours',
    bands: special.map((event): Band => ({ label: event.label, from: event.from / HOUR, to: event.to / HOUR })),
    panels: [
      {
        title: 'arriving, in consumers',
        height: 130,
        series: [{ label: 'load', colour: LOAD, points: meanOf(day.arrivals) }],
        levels: [],
      },
      {
        title: 'wait, in s',
        height: 110,
        series: [{ label: 'policy', colour: POLICY, points: policy.waits }],
        levels: [{ label: `goal, ${goal} s`, colour: '#57606a', y: goal }],
      },
      {
        title: 'consumers',
        height: 170,
        series: [
          { label: 'oracle', colour: ORACLE, points: oracle.consumers },
          { label: 'policy', colour: POLICY, points: policy.consumers },
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
function sampled(day: SeededDay, scaler: Scaler): { readonly consumers: Point[]; readonly waits: Point[] } {
  const [consumers, waits]: [Point[], Point[]] = [[], []];
  runDay(day, SET_UP, scaler, ({ second, working, lag }) => {
    if (second % EVERY_SECONDS !== 0) return;
    consumers.push({ x: second / HOUR, y: working });
    waits.push({ x: second / HOUR, y: Math.min(3 * SET_UP.drainSeconds, lag / (working * RATE_PER_CONSUMER)) });
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
