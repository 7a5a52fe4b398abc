import { ackedCount, type OperationDocument } from '#orders/operation/operation.js';
import type { Manifest } from '../backup/manifest.js';
import type { LogFindings, LoggedOperation } from './log-findings.js';

/** An operation in the log since the backup. */
export interface ReportedOperation {
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

/** The results of a restore. */
export interface Restored {
  readonly manifest: Manifest;
  readonly findings: LogFindings;
  readonly numbers: RestoreReport['numbers'];
  readonly paused: readonly OperationDocument[];
  readonly facadeNextNumber: number | undefined;
  readonly formerPartitions: number | undefined;
  readonly restoredAt: Date;
  readonly seconds: number;
}

export function reportOf(restored: Restored): RestoreReport {
  const { manifest, findings, numbers, paused, seconds } = restored;
  const { records, foreign, undecodable } = findings;
  const restoredAt = restored.restoredAt.toISOString();
  return {
    backup: manifest.id,
    createdAt: manifest.createdAt,
    restoredAt,
    seconds,
    documents: manifest.collections.reduce((sum, { documents }) => sum + documents, 0),
    numbers,
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
    lostBetween: { from: manifest.createdAt, to: restoredAt },
    facadeNextNumber: restored.facadeNextNumber ?? null,
    formerPartitions: restored.formerPartitions ?? null,
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
