import {
  ackedCount,
  ackedFaults,
  type OperationDocument,
  ackedRanges,
  firstUnacked,
  generatedOrders,
} from '#orders/operation/operation.js';
import { operationState } from './operation-state.js';
import type { OperationFindings, OperationResponse } from './operation-response.js';

/**
 * Builds the API response for an operation.
 * @param savesWaitFor what saves wait for at present, of any operation
 * @param now MongoDB's time
 */
export function toOperationResponse(
  operation: OperationDocument,
  findings: OperationFindings,
  savesWaitFor: string | null,
  now: Date,
): OperationResponse {
  const acked = findings.redrive?.moved ?? ackedCount(operation);
  const requested = toRequestFields(operation);
  const rate = ackedPerSecond(operation, acked, now);
  const response = {
    id: operation._id,
    kind: operation.kind,
    status: operation.status,
    interruption: operation.interruption ?? null,
    ...requested,
    chunkSize: operation.chunkSize,
    requestedRatePerSecond: operation.ratePerSecond,
    behindScheduleSeconds: behindScheduleSeconds(operation, now),
    waitingFor: operation.waitingFor ?? null,
    generated: findings.redrive?.moved ?? generatedCount(operation),
    acked,
    ackedNumbers: ackedNumbers(operation),
    saved: findings.saved,
    savedAsOf: findings.savedAsOf,
    archived: findings.archived,
    savesWaitFor: unknownResults(acked, findings) > 0 ? savesWaitFor : null,
    deadLettered: findings.deadLettered,
    discarded: findings.discarded,
    import: findings.import,
    redrive: findings.redrive,
    requestedAt: operation.requestedAt.toISOString(),
    startedAt: operation.startedAt?.toISOString() ?? null,
    finishedAt: operation.finishedAt?.toISOString() ?? null,
    ratePerSecond: rate === null ? null : Math.round(rate * 10) / 10,
    etaSeconds:
      operation.status !== 'running' || rate === null || operation.kind === 'intake'
        ? null
        : Math.ceil(((requested.count ?? 0) - acked) / rate),
    error: operation.error,
    firstErrors: findings.firstErrors,
  };
  const { id, kind, status, ...figures } = response;
  return { id, kind, status, state: operationState(response), ...figures };
}

/** The records that were sent and are neither saved nor dead letters yet. */
function unknownResults(acked: number, { saved, deadLettered, discarded, redrive }: OperationFindings): number {
  return redrive === null ? acked - (saved ?? 0) - (deadLettered ?? 0) - (discarded ?? 0) : redrive.waiting;
}

type RequestField = 'seed' | 'count' | 'firstNumber' | 'accounts' | 'from' | 'to' | 'faults' | 'ackedFaults';

function toRequestFields(operation: OperationDocument): Pick<OperationResponse, RequestField> {
  const nothing = { seed: null, accounts: null, from: null, to: null, faults: null, ackedFaults: null };
  if (operation.kind === 'redrive') return { ...nothing, count: operation.letters, firstNumber: null };
  if (operation.kind === 'intake') return { ...nothing, count: operation.count, firstNumber: null };
  if (operation.kind === 'import') {
    const isRead = operation.reading === null;
    const { count: orders, firstNumber } = operation;
    return { ...nothing, count: isRead ? orders : null, firstNumber: orders > 0 ? firstNumber : null };
  }
  const { seed, count: orders, firstNumber, accounts, from, to, faults } = operation;
  return {
    seed,
    count: orders,
    firstNumber,
    accounts,
    from: from.toISOString(),
    to: to.toISOString(),
    faults: faults ?? null,
    ackedFaults: faults ? ackedFaults(operation) : null,
  };
}

function generatedCount(operation: OperationDocument): number {
  return operation.kind === 'intake' ? operation.count : generatedOrders(operation.segments);
}

function behindScheduleSeconds(
  { status, ratePerSecond, schedule, segments }: OperationDocument,
  now: Date,
): number | null {
  const next = firstUnacked(segments);
  if (status !== 'running' || ratePerSecond === null || !schedule || next === undefined) return null;
  const due = (now.getTime() - schedule.at.getTime()) / 1_000;
  return Math.max(0, Math.round((due - (next - schedule.from) / ratePerSecond) * 10) / 10);
}

function ackedNumbers({ firstNumber, segments }: OperationDocument): { from: number; to: number }[] {
  return ackedRanges(segments).map(({ from, to }) => ({ from: firstNumber + from, to: firstNumber + to - 1 }));
}

function ackedPerSecond({ startedAt, finishedAt }: OperationDocument, acked: number, now: Date): number | null {
  if (startedAt === null || acked === 0) return null;
  const seconds = ((finishedAt ?? now).getTime() - startedAt.getTime()) / 1_000;
  return seconds > 0 ? acked / seconds : null;
}
