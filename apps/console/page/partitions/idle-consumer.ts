import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';

type Consumer = NonNullable<PipelineResponse['consumers']>[number];

/** Returns whether a consumer is ready but has no partition. A consumer that is starting or rejoining its group is not idle. */
export function isIdle({ partitions, notReadyBecause }: Pick<Consumer, 'partitions' | 'notReadyBecause'>): boolean {
  return notReadyBecause === null && partitions?.length === 0;
}
