import { alignedRows } from '../../dev/terminal/aligned-rows.js';
import type { VerdictRow } from './verdict-rows.js';

/** The names and the verdicts read from the left, figures from the right. */
const LEFT = new Set([0, 3]);

/** The rows as a table for the terminal. */
export function verdictTable(rows: readonly VerdictRow[]): string {
  const cells = rows.map(({ what, measured, limit, isReached }) => [what, measured, limit, verdictOf(isReached)]);
  return alignedRows([['end to end', 'measured', 'limit', ''], ...cells], LEFT).join('\n');
}

function verdictOf(isReached: boolean | undefined): string {
  if (isReached === undefined) return '';
  return isReached ? 'reached' : 'MISSED';
}
