import type { Db } from 'mongodb';
import type { OperationDocument } from '#orders/operation/operation.js';
import type { Block } from './check-block.js';
import { Findings } from './findings.js';
import { MissingRecords } from './missing-records.js';
import type { GroupPositions } from './missing-reason.js';

/** What the check of one operation reads from, and how it reports its progress. */
export interface CheckSources {
  readonly db: Db;
  readonly positions: GroupPositions;
  /** Aborts the check; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each part with the number of orders that were checked in it. The next part begins when it resolves. */
  readonly onChecked?: ((orders: number) => void | Promise<void>) | undefined;
}

/** The sources of a check, and where its findings go. */
export interface CheckContext extends CheckSources {
  readonly findings: Findings;
  readonly missing: MissingRecords;
  /** Receives each part that was compared. */
  readonly onCompared?: ((block: Block) => void) | undefined;
}

/** Returns a context with findings of its own, which may be dropped. */
export function withOwnFindings<C extends CheckSources>(context: C, operation: OperationDocument): C & CheckContext {
  const { db, positions } = context;
  const findings = new Findings();
  return { ...context, findings, missing: new MissingRecords({ db, operation, positions, findings }) };
}

/** Adds the findings of a context to those of another one. */
export function addFindings(to: CheckContext, { findings, missing }: CheckContext): void {
  to.findings.add(findings);
  to.missing.addLost(missing.lost);
}

/** Whether nothing is lost, altered, invented or pending. Discarded and repeated orders are fine. */
export function isClean({ findings, missing }: CheckContext): boolean {
  return findings.isClean && missing.lost.length === 0;
}
