import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../../dev/machine/machine-description.js';
import type { ReportDocument } from '../../dev/migration-journey/report-document.js';
import { VERSIONS } from '../../dev/parts/versions.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { ChaosRun } from './chaos-run.js';
import { togetherPlaces } from './checks/findings.js';
import { FAULT_KINDS } from './fault-kinds.js';
import type { History } from './history.js';
import type { ChaosOptions } from './options.js';
import { timelineChart } from './timeline-chart.js';

/** All data of a report. */
export interface Reported extends ChaosRun {
  readonly options: ChaosOptions;
  readonly wasInterrupted: boolean;
  readonly machine: Machine;
  readonly commit: string;
  /** Versions of Kafka, MongoDB, the registry, Node.js and the clients. */
  readonly versions: Readonly<Record<string, string>>;
}

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
export function chaosReport(reported: Reported): ReportDocument {
  const { findings, history, machine } = reported;
  const { facts, again, leftOut } = setUpOf(reported);
  const subtitle = `all on ${machine.cores} cores and ${machine.memoryGiB} GiB; means of five seconds`;
  return {
    title: findings.every(({ holds }) => holds) ? 'All checks passed' : 'A check failed',
    sections: [
      {
        heading: 'Checks',
        text: [
          facts,
          `To run it again: \`${again}\`. The same seed draws the same faults in the same order; how far the pipeline is when each one begins differs from run to run.`,
          ...leftOut,
        ],
        table: {
          head: ['check', 'result', 'measured'],
          rows: findings.map(({ name, holds, detail }) => [name, holds ? 'passed' : 'FAILED', detail]),
        },
      },
      { heading: 'What this does not show', text: NOT_SHOWN },
      {
        heading: 'Faults',
        text: [],
        figure: {
          svg: timelineChart(history, subtitle),
          file: 'timeline.svg',
          alt: 'orders acknowledged and saved per second, with the faults',
        },
        table: {
          head: ['began at, s', 'fault', 'subject', 'lasted, s', 'recovered after, s'],
          rows: faultLines(history),
        },
      },
    ],
  };
}

function setUpOf({ options, machine, commit, versions, leftOut, history, wasInterrupted }: Reported) {
  const { seed, minutes, orders, calm, only, product } = options;
  const flags = [`--seed ${seed}`, `--minutes ${minutes}`, `--orders ${orders}`, `--calm ${calm}`];
  if (only.length > 0) flags.push(`--only ${only.join(',')}`);
  if (product !== undefined) flags.push(`--product ${product}`);
  const begun = new Set(history.of('fault-begins').map(({ kind }) => kind));
  const notDrawn = FAULT_KINDS.map(({ name }) => name).filter(
    (name) => !begun.has(name) && !leftOut.includes(name) && (only.length === 0 || only.includes(name)),
  );
  const lasted = wasInterrupted
    ? `interrupted before its ${minutes} minutes were over`
    : `${minutes} minutes of faults, ${calm} s from each recovery to the next fault`;
  const parts = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const client = process.env['KAFKA_CLIENT'] === undefined ? '' : `KAFKA_CLIENT=${process.env['KAFKA_CLIENT']} `;
  return {
    facts: `Seed ${seed}, ${lasted}, ${orders.toLocaleString('en-US')} orders; commit ${commit}; ${machine.cores} cores, ${machine.memoryGiB} GiB; ${parts.join(', ')}.`,
    again: `${client}npm run chaos -- ${flags.join(' ')}`,
    leftOut: [
      ...(leftOut.length === 0 ? [] : [`Not supported on this machine: ${leftOut.join(', ')}.`]),
      ...(notDrawn.length === 0 ? [] : [`Not drawn in this run: ${notDrawn.join(', ')}.`]),
    ],
  };
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

/** Returns the versions of servers and clients. @param mongodb version reported by the server, which may be this machine's own build */
export function testedVersions(mongodb: string): Record<string, string> {
  return {
    Kafka: VERSIONS.kafka,
    'Apicurio Registry': VERSIONS.registry,
    MongoDB: mongodb,
    'Node.js': process.version.slice(1),
    ...(process.env['KAFKA_CLIENT'] === 'platformatic' && {
      '@platformatic/kafka (all orders)': versionOf('@platformatic/kafka'),
    }),
    kafkajs: versionOf('kafkajs'),
    mongodb: versionOf('mongodb'),
  };
}

/** Reads the file itself: not every package exports it. */
function versionOf(name: string): string {
  const file = join(PROJECT_DIRECTORY, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
