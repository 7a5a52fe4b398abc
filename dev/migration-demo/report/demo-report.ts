import type { Machine } from '../../machine/machine-description.js';
import type { DemoOptions } from '../demo-options.js';
import type { JudgedFailure } from '../load/allowed-failures.js';
import type { RequestLog } from '../load/request-log.js';
import type { AuditEntry } from '../migration-api.js';
import type { DemoFindings } from '../steps/demo-context.js';
import type { StoreComparison } from '../stores/compare-stores.js';

export interface ReportedStep {
  readonly title: string;
  readonly seconds: number;
  readonly result: string;
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
  readonly stores: StoreComparison;
  readonly totalSeconds: number;
}

/** A property that the demo must have, and whether it has it. */
export interface Verdict {
  readonly what: string;
  readonly found: string;
  readonly holds: boolean;
}

/** Returns what the demo shows. It has succeeded if all hold. */
export function verdictsOf({ problem, log, failures, stores, findings, options }: DemoReport): readonly Verdict[] {
  const { lost, doubled, differing, onOneSide } = stores;
  const refused = failures.filter(({ allowedBecause }) => allowedBecause === undefined).length;
  const { caught, rolledBack } = findings;
  return [
    { what: 'the whole way, by the gates only', found: problem ?? 'writes are complete', holds: problem === undefined },
    none('wrong answers', log.wrongCount),
    none('orders lost', lost.count),
    none('orders doubled', doubled.count),
    none('orders that differ', differing.count),
    none('orders on one side only', onOneSide.count),
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
