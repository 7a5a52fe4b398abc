import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';

type Change = PipelineResponse['changes'][number];

/** A vertical line in the chart. */
export interface Mark {
  /** Seconds since 1970. */
  readonly at: number;
  readonly kind: Change['kind'];
  readonly label: string;
}

/** Converts changes to marks. @param now seconds since 1970 */
export function toMarks(changes: readonly Change[], now: number): Mark[] {
  return changes.map((change) => ({ at: now - change.secondsAgo, kind: change.kind, label: labelOf(change) }));
}

function labelOf({ from, to, verdict }: Change): string {
  if (from === null || to === null) return '';
  const factor = verdict?.factor ? ` x${verdict.factor.toFixed(1)}` : '';
  if (from.consumers !== to.consumers) return `${from.consumers}→${to.consumers}${factor}`;
  return `${from.inFlight ?? '?'}→${to.inFlight ?? '?'} in flight${factor}`;
}
