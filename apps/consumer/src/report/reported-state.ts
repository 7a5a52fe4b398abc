import type { ReportedState } from '#orders/consumer/consumers.js';
import type { ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';

type Status = Pick<ParallelConsumerStatus, 'state' | 'joined' | 'ready' | 'partitions'>;

/** Returns the state that a consumer reports in its heartbeat. */
export function toReportedState({ state, joined, ready, partitions }: Status): ReportedState {
  if (state === 'starting') return 'starting';
  if (state === 'draining' || state === 'stopped') return 'draining';
  if (state === 'running' && !joined) return 'rebalancing';
  if (!ready) return 'waiting';
  return partitions.length === 0 ? 'idle' : 'ready';
}
