import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';

type Consumer = NonNullable<PipelineResponse['consumers']>[number];

/** Ready, and without anything to do. One that starts or is between two memberships has no partition yet. */
export function isIdle({ partitions, notReadyBecause }: Pick<Consumer, 'partitions' | 'notReadyBecause'>): boolean {
  return notReadyBecause === null && partitions?.length === 0;
}
