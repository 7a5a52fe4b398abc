import type { Operation } from '../producer/operation.js';
import { count, duration, UNKNOWN } from './figures.js';
import { printable } from './printable.js';
import { tableOf } from './table.js';

const COLUMNS = [
  { heading: 'operation' },
  { heading: 'kind' },
  { heading: 'status' },
  { heading: 'orders', align: 'right' },
  { heading: 'acked', align: 'right' },
  { heading: 'saved', align: 'right' },
  { heading: 'dead letters', align: 'right' },
  { heading: 'requested' },
] as const;

/** Formats operations as a table, in the given order. */
export function operationsTable(operations: readonly Operation[]): string {
  const rows = operations.map((operation) => [
    printable(operation.id),
    printable(operation.kind),
    getStatus(operation),
    count(operation.count),
    count(operation.acked),
    count(operation.saved),
    count(operation.deadLettered),
    printable(operation.requestedAt ?? UNKNOWN),
  ]);
  return tableOf(COLUMNS, rows);
}

/** Formats one operation, one line per property. */
export function operationText(operation: Operation): string {
  const { id, kind, status, count: total, firstNumber, acked, saved, deadLettered } = operation;
  const { ratePerSecond, etaSeconds, savedAsOf } = operation;
  const numbers =
    typeof firstNumber === 'number' && typeof total === 'number'
      ? `, numbers ${count(firstNumber)} to ${count(firstNumber + total - 1)}`
      : '';
  const lines: [string, string][] = [
    ['operation', id],
    ['kind', kind],
    ['status', getStatus(operation)],
    ['orders', `${count(total)}${numbers}`],
    [
      'acked',
      `${count(acked)}, ${count(ratePerSecond)}/s${status === 'running' ? `, ETA ${duration(etaSeconds)}` : ''}`,
    ],
    ['saved', count(saved)],
    ['saved as of', savedAsOf ?? UNKNOWN],
    ['dead letters', count(deadLettered)],
    ...(typeof operation.seed === 'number' ? [['seed', String(operation.seed)] as [string, string]] : []),
    ...importOf(operation),
    ...redriveOf(operation),
    ['requested', operation.requestedAt ?? UNKNOWN],
    ['started', operation.startedAt ?? 'not yet'],
    ['finished', operation.finishedAt ?? 'not yet'],
    ...errorOf(operation),
  ];
  return lines.map(([name, value]) => `${name.padEnd(13)} ${printable(value)}`).join('\n');
}

/** Formats the status, with a pending interruption and what the operation waits for. */
function getStatus({ status, interruption, waitingFor }: Operation): string {
  const besides = [
    ...(interruption ? [`about to ${interruption}`] : []),
    ...(waitingFor ? [`waits for the ${waitingFor}`] : []),
  ];
  return printable(besides.length > 0 ? `${status} (${besides.join(', ')})` : status);
}

/** Formats the files and rows of an import. */
function importOf({ import: counts }: Operation): [string, string][] {
  if (!counts) return [];
  const { files, known, refused, rows, accepted, skipped, conflicting, malformed } = counts;
  return [
    ['files', `${count(files)}: ${count(known)} imported before, ${count(refused)} rejected`],
    [
      'rows',
      `${count(rows)}: ${count(accepted)} accepted, ${count(skipped)} saved before, ${count(conflicting)} conflicting, ${count(malformed)} malformed`,
    ],
  ];
}

/** Formats the results of a redrive. */
function redriveOf({ redrive, saved }: Operation): [string, string][] {
  if (!redrive) return [];
  const { moved, returned, waiting, missing, unmovable } = redrive;
  const ends = [`${count(saved)} saved`, `${count(returned)} returned`];
  if (waiting) ends.push(`${count(waiting)} in progress`);
  if (missing) ends.push(`${count(missing)} missing`);
  const rest = unmovable ? `; ${count(unmovable)} can not be moved` : '';
  return [['moved', `${count(moved)} = ${ends.join(' + ')}${rest}`]];
}

function errorOf({ error }: Operation): [string, string][] {
  return error ? [['error', `${error.message} (${error.code})`]] : [];
}
