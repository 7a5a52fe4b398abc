import type { Machine } from '../../machine/machine.js';
import type { FailedRequest, RequestLog } from '../../migration-journey/request-log.js';
import type { StoredProblems } from '../../migration-journey/stored-orders.js';
import type { DemoOptions } from '../demo-options.js';
import type { DemoFindings } from '../demo-steps.js';

export interface ReportedStep {
  readonly title: string;
  readonly seconds: number;
  readonly result: string;
}

/** An entry of the facade's audit, as far as the report shows it. */
export interface AuditEntry {
  readonly at: string;
  readonly action: string;
  readonly capability?: string;
  readonly to?: string;
}

/** A failed request, and the reason for which the contract allows it. */
export interface JudgedFailure extends FailedRequest {
  /** `undefined`: it is not allowed. */
  readonly allowedBecause: string | undefined;
}

/** What both sides have at the end. */
export interface ComparedStores extends StoredProblems {
  readonly legacyOrders: number;
  readonly newOrders: number;
  /** New orders that clients were acknowledged. */
  readonly acknowledged: number;
}

/** All data of a report. */
export interface DemoReport {
  readonly options: DemoOptions;
  readonly startedAt: Date;
  readonly machine: Machine;
  readonly commit: string;
  readonly steps: readonly ReportedStep[];
  /** Why the demo did not reach its end; `undefined`: it did. */
  readonly problem: string | undefined;
  readonly findings: Readonly<DemoFindings>;
  readonly audit: readonly AuditEntry[];
  readonly log: Pick<RequestLog, 'total' | 'answeredCount' | 'repeated' | 'wrong' | 'wrongCount' | 'figures'>;
  readonly failures: readonly JudgedFailure[];
  readonly stores: ComparedStores;
  readonly totalSeconds: number;
}

/** A property that the demo must have, and whether it has it. */
export interface Verdict {
  readonly what: string;
  readonly found: string;
  readonly holds: boolean;
}

/** Returns what the demo shows. It has succeeded if all hold. */
export function verdictsOf(
  report: Pick<DemoReport, 'problem' | 'log' | 'failures' | 'stores' | 'findings' | 'options'>,
): readonly Verdict[] {
  const { problem, log, failures, stores, findings, options } = report;
  const { lost, doubled, differing, onOneSide } = stores;
  const refused = failures.filter(({ allowedBecause }) => allowedBecause === undefined).length;
  const { caught, rolledBack } = findings;
  return [
    { what: 'the whole way, by the gates only', found: problem ?? 'writes are complete', holds: problem === undefined },
    none('wrong answers', log.wrongCount),
    none('orders lost', lost.length),
    none('orders doubled', doubled.length),
    none('orders that differ', differing.length),
    none('orders on one side only', onOneSide.length),
    none('failed requests that the contract does not allow', refused),
    {
      what: `bug ${options.bug.name} caught in shadow`,
      found: caught === undefined ? 'no' : `in ${caught.field}`,
      holds: caught !== undefined,
    },
    {
      what: 'orders missing on the legacy system after the rollback',
      found: rolledBack === undefined ? 'no rollback' : String(rolledBack.missing),
      holds: rolledBack?.missing === 0,
    },
  ];
}

function none(what: string, count: number): Verdict {
  return { what, found: String(count), holds: count === 0 };
}
