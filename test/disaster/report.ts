import type { Machine } from '../../dev/machine/machine.js';
import type { Rehearsal } from './rehearsal.js';
import { REDRIVEN } from './sent-orders.js';

/** A property that a rehearsal must have, and whether it has it. */
export interface Verdict {
  readonly what: string;
  readonly found: string;
  readonly holds: boolean;
}

/** The contract: restore and replay of a million orders within five minutes. */
const MOST_SECONDS_PER_MILLION = 300;

export function verdictsOf(rehearsal: Rehearsal): Verdict[] {
  const { comparison, report, sent, nextNumber, reconciled, watermark, seconds } = rehearsal;
  const { lost, doubled, foreign, counterLow } = comparison;
  const lostIds = report.lostOperations.map(({ id }) => id);
  const pausedIds = report.pausedOperations.map(({ id }) => id);
  const [reached, highest] = watermark;
  const broken = reconciled.broken.join('; ');
  const rows: readonly (readonly [what: string, found: string, holds: boolean])[] = [
    ['orders lost', `${lost}`, lost === 0],
    ['orders doubled', `${doubled}`, doubled === 0],
    ['stored orders that differ from their record', `${foreign}`, foreign === 0],
    ['the list of lost operations is right', `${lostIds.length} of ${sent.lost.length}`, areSame(lostIds, sent.lost)],
    [
      'the list of paused operations is right',
      `${pausedIds.length} of 2`,
      areSame(pausedIds, [sent.running, sent.cancelled]),
    ],
    [
      'the list of dead letters that were sent again is right',
      `${report.redrivenLetters.length} of ${REDRIVEN}`,
      report.redrivenLetters.length === REDRIVEN,
    ],
    [
      'new order numbers are above all earlier ones',
      `they go on at ${nextNumber}`,
      nextNumber >= report.numbers.next && !counterLow,
    ],
    ['every operation reconciles', broken === '' ? `${reconciled.count} operations` : broken, broken === ''],
    ['the watermark passes every order number', `${reached} of ${highest}`, reached >= highest],
    [
      'restore and replay take at most 5 minutes for a million orders',
      `${seconds.toFixed(1)} s`,
      seconds <= MOST_SECONDS_PER_MILLION,
    ],
  ];
  return rows.map(([what, found, holds]) => ({ what, found, holds }));
}

function areSame(found: readonly string[], wanted: readonly string[]): boolean {
  return JSON.stringify(found.toSorted()) === JSON.stringify(wanted.toSorted());
}

export interface ReportedRun {
  readonly rehearsal: Rehearsal;
  readonly machine: Machine;
  readonly commit: string;
  readonly startedAt: Date;
}

const figure = (value: number): string => value.toLocaleString('en-US');

/** Renders the report of a rehearsed disaster as Markdown. */
export function reportOf({ rehearsal, machine, commit, startedAt }: ReportedRun): string {
  const { orders, steps, manifest, report } = rehearsal;
  const verdicts = verdictsOf(rehearsal);
  return [
    '# A rehearsed disaster',
    '',
    `MongoDB is lost under load, ${figure(orders)} orders after the start, and restored from a backup that was taken under load. Written by ` +
      `\`npm run disaster -- --orders ${orders}\` on ${startedAt.toISOString().slice(0, 10)}, commit ${commit}; ${machine.cores} cores, ${machine.memoryGiB} GiB, all on one machine.`,
    '',
    ...table(
      ['what must hold', 'found', ''],
      verdicts.map(({ what, found, holds }) => [what, found, holds ? 'holds' : '**failed**']),
    ),
    '',
    '## Steps',
    '',
    ...table(
      ['step', 'seconds', 'result'],
      steps.map(({ title, seconds, result }) => [title, seconds.toFixed(1), result]),
    ),
    '',
    '## The backup',
    '',
    ...table(
      ['collection', 'documents', 'MiB'],
      manifest.collections
        .filter(({ documents }) => documents > 0)
        .map(({ name, documents, data }) => [`\`${name}\``, figure(documents), (data.bytes / 2 ** 20).toFixed(1)]),
    ),
    '',
    '## What the restore could not bring back',
    '',
    `Of the time between ${report.lostBetween.from} and ${report.lostBetween.to}, as it lists itself:`,
    '',
    ...report.lostOperations.map(
      ({ id, records, firstNumber, lastNumber }) =>
        `- operation ${id}: ${figure(records)} records are in the log, order numbers ${firstNumber} to ${lastNumber}`,
    ),
    ...report.pausedOperations.map(
      ({ id, kind, acked, count }) =>
        `- ${kind} ${id} is paused: ${figure(acked)} of ${figure(count)} orders were sent at the backup`,
    ),
    ...report.redrivenLetters.map((id) => `- dead letter ${id} was sent again, and is pending again`),
    '',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}
