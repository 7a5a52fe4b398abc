import type { FigureHistory } from '../../src/history/figure-history.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';

/** From a change of the consumers until the recorded rates, which are means over five seconds, are those of the new number. */
const SETTLED_AFTER_SECONDS = 15;

/**
 * Returns how fast the consumers of now save while they have enough work: the highest rate since their number or their limit was changed last.
 * Advice that followed the rate of each second would change as often as the rate does.
 * @returns saved per second; the rate of now when none is recorded; 0: nothing was saved yet
 */
export function fullRate(
  history: FigureHistory,
  { changes, savedPerSecond }: Pick<PipelineResponse, 'changes' | 'savedPerSecond'>,
): number {
  const last = changes.findLast(({ kind }) => kind === 'scaling');
  const since = last === undefined ? 0 : Date.parse(last.at) / 1_000 + SETTLED_AFTER_SECONDS;
  return Math.max(savedPerSecond ?? 0, ...history.points(since).values.saved.map((rate) => rate ?? 0));
}
