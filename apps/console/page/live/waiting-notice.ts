import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';

type Consumer = NonNullable<PipelineResponse['consumers']>[number];

/** What to do, by a part of the reason that a consumer gives. */
const CURES: readonly (readonly [reason: string, cure: string])[] = [
  [
    'nearly all records are poison',
    'Read a dead letter to see why. One record is tried every few seconds, and the first that is saved ends the wait. If the records are wrong and not the consumer, restart with POISON_SHARE=1: all of them become dead letters.',
  ],
  ['a dependency of the handler is unavailable', 'They go on once MongoDB answers.'],
];

/** @returns which consumers can not work, why and what to do; `null` when all can */
export function waitingNotice(consumers: readonly Consumer[]): string | null {
  const waiting = consumers.filter(({ state }) => state === 'waiting');
  if (waiting.length === 0) return null;
  const reasons = waiting.map(({ name, notReadyBecause }) => `${name} saves nothing: ${notReadyBecause}.`);
  const cures = CURES.filter(([reason]) => reasons.some((text) => text.includes(reason))).map(([, cure]) => cure);
  return [...reasons, `${waiting.length === 1 ? 'Its' : 'Their'} orders wait; none is lost.`, ...cures].join(' ');
}
