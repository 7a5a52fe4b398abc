import type { Operation } from '#api/producer.js';
import { count, duration, printable, tableOf } from './output.js';
import { extraLettersNotes } from './progress.js';

const COLUMNS = [
  { heading: 'operation' },
  { heading: 'kind' },
  { heading: 'state' },
  { heading: 'orders', align: 'right' },
  { heading: 'sent', align: 'right' },
  { heading: 'saved', align: 'right' },
  { heading: 'dead letters', align: 'right' },
  { heading: 'requested' },
] as const;

/** Formats operations as a table, in the given order. */
export function operationsTable(operations: readonly Operation[]): string {
  const rows = operations.map((operation) => [
    printable(operation.id),
    printable(operation.kind),
    stateText(operation),
    count(operation.count),
    count(operation.acked),
    count(operation.saved),
    count(operation.redrive?.returned ?? operation.deadLettered),
    printable(operation.requestedAt),
  ]);
  return tableOf(COLUMNS, rows);
}

/** Formats one operation, one line per property. */
export function operationText(operation: Operation): string {
  const { id, kind, count: total, firstNumber, saved, savedAsOf, seed } = operation;
  const numbers =
    firstNumber === null || total === null
      ? ''
      : `, numbers ${count(firstNumber)} to ${count(firstNumber + total - 1)}`;
  const lines: [string, string][] = [
    ['operation', id],
    ['kind', kind],
    ['state', stateText(operation)],
    [operation.redrive ? 'dead letters' : 'orders', `${count(total)}${numbers}`],
    ['sent', sentText(operation)],
    ['saved', `${count(saved)}${operation.state.code === 'saving' ? `, as of ${savedAsOf}` : ''}`],
    ...(operation.savesWaitFor ? [['saves wait', `for ${operation.savesWaitFor}`] as [string, string]] : []),
    ...(operation.redrive ? [] : [['dead letters', lettersText(operation)] as [string, string]]),
    ...(seed === null ? [] : [['seed', String(seed)] as [string, string]]),
    ...importOf(operation),
    ...redriveOf(operation),
    ['requested', operation.requestedAt],
    ['started', operation.startedAt ?? 'not yet'],
    [
      operation.status === 'cancelled' || operation.status === 'failed' ? 'ended' : 'all sent',
      operation.finishedAt ?? 'not yet',
    ],
    ...errorOf(operation),
  ];
  return lines.map(([name, value]) => `${name.padEnd(13)} ${printable(value)}`).join('\n');
}

/** Formats the state, with a pending interruption. */
function stateText({ state, interruption }: Operation): string {
  return printable(interruption === null ? state.text : `${state.text} (about to ${interruption})`);
}

function sentText({ acked, count: total, ratePerSecond, etaSeconds }: Operation): string {
  return [
    total === null ? count(acked) : `${count(acked)} of ${count(total)}`,
    ...(ratePerSecond === null ? [] : [`${count(ratePerSecond)}/s`]),
    ...(etaSeconds === null ? [] : [`${duration(etaSeconds)} left`]),
  ].join(', ');
}

function lettersText(operation: Operation): string {
  return [count(operation.deadLettered), ...extraLettersNotes(operation)].join(', ');
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

/** Formats the results of a redrive, besides the saved ones. */
function redriveOf({ redrive }: Operation): [string, string][] {
  if (!redrive) return [];
  const { returned, waiting, missing, unmovable } = redrive;
  const results: [string, number][] = [
    ['dead again', returned],
    ['in progress', waiting],
    ['missing', missing],
    ['not movable', unmovable],
  ];
  return results
    .filter(([name, letters]) => letters > 0 || name === 'dead again')
    .map(([name, letters]) => [name, count(letters)]);
}

function errorOf({ error }: Operation): [string, string][] {
  return error ? [['error', `${error.message} (${error.code})`]] : [];
}
