import type { Db } from 'mongodb';
import type { ArchiveFolder } from '#orders/archive/archive-folder.js';
import type { ArchivedIds } from '#orders/archive/archived-ids.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import type { ArchivedOrders } from './archived-orders.js';
import type { Block } from './check-block.js';
import { Findings } from './findings.js';
import { MissingRecords } from './missing-records.js';
import type { GroupPositions } from './missing-reason.js';

/** What the check of one operation reads from, and how it reports its progress. */
export interface CheckSources {
  readonly db: Db;
  readonly positions: GroupPositions;
  /** Finds orders that were saved before under another number, and archived with it. */
  readonly archivedIds: Pick<ArchivedIds, 'find'>;
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

/** The context of a check of a whole operation, whose settled blocks may be archived. */
export interface ReconcileContext extends CheckContext {
  readonly archived: ArchivedOrders;
  /** The archives of the operation, to verify them. Without it, archived orders are counted only. */
  readonly archives?: ArchiveFolder | undefined;
}

/** Returns a context with findings of its own, which may be dropped. */
export function withOwnFindings<C extends CheckSources>(context: C, operation: OperationDocument): C & CheckContext {
  const { db, positions, archivedIds } = context;
  const findings = new Findings();
  return { ...context, findings, missing: new MissingRecords({ db, operation, positions, findings, archivedIds }) };
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
