import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../machine/ports.js';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import type { KafkaNode, PeerPort } from './kafka-properties.js';
import type { KafkaSecurity } from './kafka-security.js';
import { KafkaServer, randomClusterId } from './kafka-server.js';
import type { KafkaSettings } from './kafka-settings.js';

const HEAP_MIB = 256;
/** With 3 replicas, of which at least 2 are in sync, any one node may be unavailable without loss of acknowledged records. */
const REPLICAS = 3;
const MIN_IN_SYNC = 2;

/** The settings of a cluster of three or more nodes, for internal topics and for topics created without a replication factor. */
export const REPLICATED: KafkaSettings = {
  'default.replication.factor': REPLICAS,
  'min.insync.replicas': MIN_IN_SYNC,
  'offsets.topic.replication.factor': REPLICAS,
  'transaction.state.log.replication.factor': REPLICAS,
  'transaction.state.log.min.isr': MIN_IN_SYNC,
};

/** A Kafka cluster of several nodes on loopback. Each node is broker and controller, with its own folder. */
export class KafkaCluster {
  private constructor(
    /** Start them together: a node is ready only once a majority runs. Afterwards any one of them may be stopped and restarted. */
    readonly nodes: readonly KafkaServer[],
  ) {}

  /**
   * Creates a cluster with a node for each client port, without starting it. From three nodes on it is replicated (see `REPLICATED`).
   * A data folder always needs the same number of nodes: a static quorum doesn't grow.
   */
  static async of(
    parts: EmbeddedParts,
    clientPorts: readonly number[],
    dataDirectory: string,
    settings: KafkaSettings = {},
    peers: readonly PeerPort[] = [],
    security?: KafkaSecurity,
  ): Promise<KafkaCluster> {
    const controllerPorts = new Map<number, number>();
    for (const id of clientPorts.keys()) controllerPorts.set(id + 1, await freePort());
    const clusterId = clusterIdOn(dataDirectory) ?? randomClusterId();
    const replication = clientPorts.length >= REPLICAS ? REPLICATED : {};
    const nodes = clientPorts.map((port, index) => {
      const peer = peers[index];
      const node: KafkaNode = {
        name: `Kafka-${index + 1}`,
        id: index + 1,
        port,
        directory: nodeDirectory(dataDirectory, index + 1),
        heapMiB: HEAP_MIB,
        controllerPorts,
        ...(peer !== undefined && { peers: peer }),
        ...(security !== undefined && { security }),
        settings: { ...replication, ...settings },
        clusterId,
      };
      return new KafkaServer(parts, node, dataDirectory);
    });
    return new KafkaCluster(nodes);
  }

  /** The bootstrap addresses in the form of KAFKA_BROKERS: every node. */
  get brokers(): string {
    return this.nodes.map(({ brokers }) => brokers).join(',');
  }
}

function nodeDirectory(dataDirectory: string, id: number): string {
  return join(dataDirectory, `kafka-${id}`);
}

/** Returns the id of the first formatted node: a start that was killed may have formatted only some nodes. */
function clusterIdOn(dataDirectory: string): string | undefined {
  for (let id = 1; existsSync(nodeDirectory(dataDirectory, id)); id += 1) {
    const metaProperties = join(nodeDirectory(dataDirectory, id), 'records', 'meta.properties');
    if (!existsSync(metaProperties)) continue;
    return /^cluster\.id=(.+)$/m.exec(readFileSync(metaProperties, 'utf8'))?.[1]?.trim();
  }
  return undefined;
}
