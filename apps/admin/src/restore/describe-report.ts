import type { ReportedOperation, RestoreReport } from './restore-report.js';

const figure = (value: number): string => value.toLocaleString('en-US');
const MOST_LETTERS = 10;

/** Renders the report for an operator: what was done, what is lost, and what to do. */
export function describeReport(report: RestoreReport): string[] {
  const { backup, createdAt, documents, seconds, numbers, log } = report;
  return [
    `Backup ${backup} of ${createdAt} is restored: ${figure(documents)} documents in ${seconds} s. The next order number is ${figure(numbers.next)}.`,
    `Kafka has ${figure(log.records)} records of orders since then. The consumers read them again when they start.`,
    ...section(
      'Operations that the backup lacks. Their orders in the log are saved, and counted as received orders (an intake under the same id). Orders that ' +
        'they had not sent are lost: request them again.',
      report.lostOperations.map(describeOperation),
    ),
    ...section('Operations that have gone on since the backup:', report.progressedOperations.map(describeOperation)),
    ...section(
      'Operations that ran at the backup are paused, because they may have been cancelled since. Continue each with npm run orders -- resume ID, or ' +
        'cancel it. Orders that are sent again are saved once.',
      report.pausedOperations.map(
        ({ id, kind, acked, count }) => `${kind} ${id}: ${figure(acked)} of ${figure(count)} orders sent at the backup`,
      ),
    ),
    ...describeLetters(report.redrivenLetters),
    ...describeNumbers(report),
    ...describeLost(report),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function describeOperation({ id, records, firstNumber, lastNumber, from, to }: ReportedOperation): string {
  const numbers =
    firstNumber === null || lastNumber === null
      ? ''
      : `, order numbers ${figure(firstNumber)} to ${figure(lastNumber)}`;
  return `${id}: ${figure(records)} records in the log${numbers}, from ${from} to ${to}`;
}

function describeLetters(letters: readonly string[]): string[] {
  const more = letters.length - MOST_LETTERS;
  return section(
    'Dead letters that were sent again since the backup are pending again. A repeated redrive is harmless:',
    [...letters.slice(0, MOST_LETTERS), ...(more > 0 ? [`… ${figure(more)} more`] : [])],
  );
}

function describeNumbers({ numbers, facadeNextNumber, formerPartitions }: RestoreReport): string[] {
  const lines: string[] = [];
  if (numbers.skipped > 0)
    lines.push(
      `${figure(numbers.skipped)} order numbers are skipped, because records in the log can't be decoded and may have some of them.`,
    );
  if (facadeNextNumber !== null)
    lines.push(
      `The facade assigns legacy numbers from ${figure(facadeNextNumber)} on. Its stages are those of the backup: compare them with npm run migration -- status, and verify.`,
    );
  if (formerPartitions !== null)
    lines.push(
      `The topic had ${formerPartitions} partitions at the backup, which is recorded: take the next backup soon.`,
    );
  return lines.length === 0 ? [] : ['', ...lines];
}

function describeLost({ lostBetween: { from, to } }: RestoreReport): string[] {
  return section(`What was in MongoDB alone, between ${from} and ${to}, is lost:`, [
    'Idempotency-Keys: a request that is repeated with a key of that time is carried out again',
    'imports that had not sent their rows: import the files again',
    'discarded dead letters, which are pending again',
    "the facade's intents, and changes of its stages",
    'audit events: they are in the logs of the services',
    'the in-flight limit, if it was changed',
  ]);
}
