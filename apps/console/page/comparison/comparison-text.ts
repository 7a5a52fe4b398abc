import type { ComparisonResponse } from '../../src/comparison/comparison-response.js';
import { plural } from '../text/figures.js';

const INTERRUPTED = 'interrupted';

/** Returns the status text of a comparison, shown beside its table; empty when there is nothing to say. */
export function comparisonText(comparison: ComparisonResponse | null, isStopping: boolean): string {
  if (comparison === null) return '';
  switch (comparison.state) {
    case 'idle':
      return '';
    case 'running':
      return isStopping ? 'stopping' : progressText(comparison);
    case 'failed':
      return failureText(comparison);
    case 'done':
      return comparison.noisy ? 'Other processes used this machine during the comparison.' : '';
  }
}

function progressText({ current, ways }: ComparisonResponse): string {
  const way = ways.find(({ name }) => name === current);
  if (way !== undefined) return `measuring: ${way.label}, ${plural(way.consumers, 'consumer')}`;
  const isMeasured = ways.length > 0 && ways.every(({ seconds }) => seconds !== null);
  return isMeasured ? 'stopping its pipeline' : 'starting its pipeline';
}

/** Returns whether the comparison failed by itself. A comparison that the user stopped has not failed. */
export function hasFailed(comparison: ComparisonResponse | null): boolean {
  return comparison?.state === 'failed' && comparison.error?.code !== INTERRUPTED;
}

/** Hides the error of a stopped comparison: a signal or the end of a log would look like a failure. */
function failureText(comparison: ComparisonResponse): string {
  const { error, ways } = comparison;
  if (hasFailed(comparison)) return error?.message ?? 'The comparison failed.';
  return ways.some(({ seconds }) => seconds !== null) ? 'Stopped. The results so far are kept.' : 'Stopped.';
}
