import { ackedCount, type OperationDocument } from '#orders/operation/operation.js';
import type { Manifest } from '../backup/manifest.js';
import { figure } from '../environment.js';
import type { LogFindings, LoggedOperation } from './log-findings.js';

const MOST_LETTERS = 10;

/** An operation in the log since the backup. */
interface ReportedOperation {
  readonly id: string;
  /** Its records. */
  readonly records: number;
  /** Its lowest and highest order number that the backup does not know; `null`: none. */
  readonly firstNumber: number | null;
  readonly lastNumber: number | null;
  /** Times of its first and its last record. */
  readonly from: string;
  readonly to: string;
}

/** What a restore has done, and what it could not bring back. */
export interface RestoreReport {
  readonly backup: string;
  readonly createdAt: string;
  readonly restoredAt: string;
  readonly seconds: number;
  readonly documents: number;
  /** The highest number of the backup, the next one that will be assigned, and how many were skipped for records that can't be decoded. */
  readonly numbers: { readonly backup: number; readonly next: number; readonly skipped: number };
  /** Records of the orders topic since the backup. */
  readonly log: { readonly records: number; readonly foreign: number; readonly undecodable: number };
  /** Operations that the log names and the backup lacks. Consumers save their orders; all else about them is lost. */
  readonly lostOperations: readonly ReportedOperation[];
  /** Operations of the backup that have gone on since. */
  readonly progressedOperations: readonly ReportedOperation[];
  /** Operations that ran at the backup. They may have ended or been cancelled since. */
  readonly pausedOperations: readonly {
    readonly id: string;
    readonly kind: string;
    readonly acked: number;
    readonly count: number;
  }[];
  /** Dead letters that were sent again since the backup, the first 1,000. */
  readonly redrivenLetters: readonly string[];
  /** What changed in MongoDB alone, between these times, is lost. */
  readonly lostBetween: { readonly from: string; readonly to: string };
  /** The next number that the facade assigns; `null` without one. */
  readonly facadeNextNumber: number | null;
  /** The partition count that the topic had at the backup, if it has more now. */
  readonly formerPartitions: number | null;
}

/** What only the restore itself knows. */
type RestoreResults = Pick<
  RestoreReport,
  'numbers' | 'facadeNextNumber' | 'formerPartitions' | 'restoredAt' | 'seconds'
>;

/** @param paused operations that ran at the backup */
export function reportOf(
  manifest: Manifest,
  findings: LogFindings,
  paused: readonly OperationDocument[],
  results: RestoreResults,
): RestoreReport {
  const { records, foreign, undecodable } = findings;
  return {
    ...results,
    backup: manifest.id,
    createdAt: manifest.createdAt,
    documents: manifest.collections.reduce((sum, { documents }) => sum + documents, 0),
    log: { records, foreign, undecodable },
    lostOperations: findings.lost.map(toReported),
    progressedOperations: findings.progressed.map(toReported),
    pausedOperations: paused.map((operation) => ({
      id: operation._id,
      kind: operation.kind,
      acked: ackedCount(operation),
      count: operation.count,
    })),
    redrivenLetters: [...findings.redriven],
    lostBetween: { from: manifest.createdAt, to: results.restoredAt },
  };
}

/** Whether a person has to do something about the list. */
export function hasLosses({ lostOperations, progressedOperations, pausedOperations }: RestoreReport): boolean {
  return lostOperations.length + progressedOperations.length + pausedOperations.length > 0;
}

function toReported({ id, records, firstNumber, lastNumber, firstAt, lastAt }: LoggedOperation): ReportedOperation {
  const [from, to] = [firstAt, lastAt].map((at) => new Date(at).toISOString()) as [string, string];
  return { id, records, firstNumber, lastNumber, from, to };
}

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
