import { alignedRows } from '../../dev/terminal/aligned-rows.js';
import type { VerdictRow } from './verdict-rows.js';

/** Left-aligned columns: name and verdict. */
const LEFT = new Set([0, 3]);

/** Formats the rows as a table for the terminal. */
export function verdictTable(rows: readonly VerdictRow[]): string {
  const cells = rows.map(({ name, measured, limit, isReached }) => [name, measured, limit, verdictOf(isReached)]);
  return alignedRows([['end to end', 'measured', 'limit', ''], ...cells], LEFT).join('\n');
}

function verdictOf(isReached: boolean | undefined): string {
  if (isReached === undefined) return '';
  return isReached ? 'reached' : 'MISSED';
}
