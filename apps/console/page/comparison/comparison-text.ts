import type { ComparisonResponse } from '../../src/comparison/comparison-response.js';
import { plural } from '../text/figures.js';

const INTERRUPTED = 'interrupted';

/** What a person is told of a comparison, beside its table. Empty: there is nothing to tell. */
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
      return comparison.noisy ? 'Other things ran on this machine meanwhile.' : '';
  }
}

function progressText({ current, ways }: ComparisonResponse): string {
  const way = ways.find(({ name }) => name === current);
  if (way !== undefined) return `measuring: ${way.label}, ${plural(way.consumers, 'consumer')}`;
  const isMeasured = ways.length > 0 && ways.every(({ seconds }) => seconds !== null);
  return isMeasured ? 'its pipeline ends' : 'its pipeline starts';
}

/** By itself: one that was stopped has done what was asked of it. */
export function hasFailed(comparison: ComparisonResponse | null): boolean {
  return comparison?.state === 'failed' && comparison.error?.code !== INTERRUPTED;
}

/** Who stopped it knows why: a signal or the end of a log would look like a failure. */
function failureText(comparison: ComparisonResponse): string {
  const { error, ways } = comparison;
  if (hasFailed(comparison)) return error?.message ?? 'It failed.';
  return ways.some(({ seconds }) => seconds !== null) ? 'It was stopped. What was measured stays.' : 'It was stopped.';
}
