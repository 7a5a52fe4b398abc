import type { Machine } from '../../dev/machine/machine-description.js';
import type { Rehearsal } from './rehearsal.js';
import { verdictsOf } from './verdicts.js';

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
