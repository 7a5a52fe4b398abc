import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lineChart, movingMean, type Band, type Point } from '../../bench/charts.js';
import { currentCommit, describeMachine } from '../../dev/machine/machine.js';
import type { ReportDocument } from '../../dev/report-document.js';
import { VERSIONS } from '../../dev/parts/parts.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { ChaosRun } from './chaos-run.js';
import { figure, reportOf, togetherPlaces } from './findings.js';
import { FAULT_KINDS } from './fault-kinds.js';
import type { History } from './history.js';
import type { ChaosOptions } from './options.js';

/** Limits of what a report with only passed checks proves. */
const NOT_SHOWN = [
  'Everything runs on one machine: the page cache survives SIGKILL but would not survive a power failure, and the machine itself never fails.',
  'A link fault between peers affects all peers of a server at once, and only their connections to it, not its connections to them. Clocks jump in the apps, not in the servers.',
  'Only a starting app reads the schema registry: its outage has no effect unless an app starts meanwhile.',
  'No redrive, import, pause or cancellation runs under these faults: `test/faults` covers some of them.',
  'Reads are checked against the large operation only; the small operations are checked by the equation alone.',
  'The equation is checked against the database. The query API is checked only for samples of pages, ranges and ids, not for its other responses.',
  'Repeated saves that a consumer counted in its last second before it was killed are not included.',
  'A run covers only the faults and the moments that its seed draws: other seeds draw others.',
];

/** Returns the report of a run. */
export function chaosReport(chaos: ChaosRun, options: ChaosOptions, wasInterrupted: boolean): ReportDocument {
  const { findings, history, leftOut, mongodb } = chaos;
  const { seed, minutes, orders, calm, only } = options;
  const { cores, memoryGiB } = describeMachine();
  const flags = [`--seed ${seed}`, `--minutes ${minutes}`, `--orders ${orders}`, `--calm ${calm}`];
  if (only.length > 0) flags.push(`--only ${only.join(',')}`);
  const { KAFKA_CLIENT } = process.env;
  const client = KAFKA_CLIENT === undefined ? '' : `KAFKA_CLIENT=${KAFKA_CLIENT} `;
  const lasted = wasInterrupted
    ? `interrupted before its ${minutes} minutes were over`
    : `${minutes} minutes of faults, ${calm} s from each recovery to the next fault`;
  const begun = new Set([...leftOut, ...history.of('fault-begins').map(({ kind }) => kind)]);
  const kinds = only.length > 0 ? only : FAULT_KINDS.map(({ name }) => name);
  const notDrawn = kinds.filter((name) => !begun.has(name));
  const text = [
    `Seed ${seed}, ${lasted}, ${figure(orders)} orders; commit ${currentCommit()}; ${cores} cores, ${memoryGiB} GiB; ${testedVersions(mongodb).join(', ')}.`,
    `To run it again: \`${client}npm run chaos -- ${flags.join(' ')}\`. The same seed draws the same faults in the same order; how far the pipeline is when each one begins differs from run to run.`,
    ...(leftOut.length === 0 ? [] : [`Not supported on this machine: ${leftOut.join(', ')}.`]),
    ...(notDrawn.length === 0 ? [] : [`Not drawn in this run: ${notDrawn.join(', ')}.`]),
  ];
  const timeline = {
    svg: timelineChart(history, `all on ${cores} cores and ${memoryGiB} GiB; means of five seconds`),
    file: 'timeline.svg',
    alt: 'orders acknowledged and saved per second, with the faults',
  };
  const head = ['began at, s', 'fault', 'subject', 'lasted, s', 'recovered after, s'];
  return reportOf(findings, text, [
    { heading: 'What this does not show', text: NOT_SHOWN },
    { heading: 'Faults', text: [], figure: timeline, table: { head, rows: faultLines(history) } },
  ]);
}

/** One row per fault: begin, kind, subject, duration, and recovery time. */
function faultLines(history: Pick<History, 'of'>): string[][] {
  const ends = new Map(history.of('fault-ends').map(({ place, at }) => [place, at]));
  const recovered = new Map(history.of('recovered').map(({ place, afterMs }) => [place, afterMs]));
  const together = togetherPlaces(history);
  const idle = new Set(history.of('fault-without-effect').map(({ place }) => place));
  return history.of('fault-begins').map(({ place, at, kind, subject }) => {
    const end = ends.get(place);
    const after = recovered.get(place);
    return [
      seconds(at),
      together.has(place) ? `${kind} (simultaneous)` : kind,
      idle.has(place) ? `${subject} (without effect)` : subject,
      end === undefined ? '' : seconds(end - at),
      after === undefined ? '' : seconds(after),
    ];
  });
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(1);
}

/** Lists the versions of servers and clients. @param mongodb version reported by the server, which may be this machine's own build */
function testedVersions(mongodb: string): string[] {
  const client = '@platformatic/kafka';
  return [
    `Kafka ${VERSIONS.kafka}`,
    `Apicurio Registry ${VERSIONS.registry}`,
    `MongoDB ${mongodb}`,
    `Node.js ${process.version.slice(1)}`,
    ...(process.env['KAFKA_CLIENT'] === 'platformatic' ? [`${client} (all orders) ${versionOf(client)}`] : []),
    `kafkajs ${versionOf('kafkajs')}`,
    `mongodb ${versionOf('mongodb')}`,
  ];
}

/** Reads the file itself: not every package exports it. */
function versionOf(name: string): string {
  const file = join(PROJECT_DIRECTORY, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

const PRODUCED = '#0969da';
const SAVED = '#bc4c00';
const LAG = '#8250df';
const MEAN_OVER_SECONDS = 5;

type Samples = ReturnType<typeof samplesOf>;

/** Draws the orders acknowledged and saved per second and the lag, with the faults as shaded bands. */
function timelineChart(history: Pick<History, 'of'>, subtitle: string): string {
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
  return history.of('sample').map(({ at, acked, saved }) => ({ x: at / 1_000, acked, saved }));
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
