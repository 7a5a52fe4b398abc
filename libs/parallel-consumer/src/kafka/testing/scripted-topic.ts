import { METADATA, type ClusterMetadata } from '../../protocol/metadata-request.js';
import {
  INIT_PRODUCER_ID,
  PRODUCE,
  type ProducedPartition,
  type ProduceRequest,
} from '../../protocol/produce-request.js';
import type { OutgoingRecord } from '../../records/record.js';
import { ScriptedConnections } from './scripted-connections.js';

export const [OK, NOT_LEADER, TOO_LARGE, INVALID_TIMESTAMP, OUT_OF_ORDER, DUPLICATE] = [0, 6, 10, 32, 45, 46];
const [UNKNOWN_TOPIC, NODES, PARTITIONS] = [3, 2, 12];

/** One record for each of the partitions; its value names the partition and its place. */
export function records(...partitions: number[]): OutgoingRecord[] {
  return partitions.map((partition, index) => ({
    partition,
    key: null,
    value: Buffer.from(`${partition}-${index}`),
    headers: {},
  }));
}

/** Answers each partition of a request with an error code. */
export function produced(
  { batches }: ProduceRequest,
  code: (partition: number) => number = () => OK,
): ProducedPartition[] {
  return batches.map(({ partition }) => ({ partition, errorCode: code(partition), baseOffset: 7 }));
}

/** Node 0 leads the even partitions, node 1 the odd ones. */
export function topicWith(count: number, leaders = (partition: number): number => partition % NODES): ClusterMetadata {
  const partitions = Array.from({ length: count }, (_, partition) => {
    return { partition, leader: leaders(partition), leaderEpoch: 0 };
  });
  const errorCode = count === 0 ? UNKNOWN_TOPIC : OK;
  return { nodes: [], controllerId: 0, topics: [{ errorCode, name: 'payments', topicId: '', partitions }] };
}

/** Connections to nodes that acknowledge everything for a topic of 12 partitions. */
export function scriptedKafka(): ScriptedConnections {
  return new ScriptedConnections()
    .answer(INIT_PRODUCER_ID, () => ({ id: 41n, epoch: 0 }))
    .answer(METADATA, () => topicWith(PARTITIONS))
    .answer(PRODUCE, (request) => produced(request));
}
