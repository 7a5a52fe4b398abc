import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../machine/ports.js';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import { KafkaServer, randomClusterId, type KafkaNode, type KafkaSettings, type PeerPort } from './kafka-server.js';

const HEAP_MIB = 256;
/** With as many replicas and this many of them in sync, any one node may be away and nothing acknowledged is lost. */
const REPLICAS = 3;
const MIN_IN_SYNC = 2;

/** What a cluster of three or more nodes is set to, for its own topics and for those made without a factor of their own. */
export const REPLICATED: KafkaSettings = {
  'default.replication.factor': REPLICAS,
  'min.insync.replicas': MIN_IN_SYNC,
  'offsets.topic.replication.factor': REPLICAS,
  'transaction.state.log.replication.factor': REPLICAS,
  'transaction.state.log.min.isr': MIN_IN_SYNC,
};

/** A Kafka cluster of several nodes on loopback, all of them broker and controller, each in a folder of its own. */
export class KafkaCluster {
  private constructor(
    /** To be started together: a node serves only once most of them run. Afterwards any one may stop and start again. */
    readonly nodes: readonly KafkaServer[],
  ) {}

  /**
   * Lays out a cluster with a node for each client port, replicated (see `REPLICATED`) from three nodes on. Nothing starts.
   * The same data folder needs the same number of nodes every time: a static quorum doesn't grow.
   */
  static async of(
    parts: EmbeddedParts,
    clientPorts: readonly number[],
    dataDirectory: string,
    settings: KafkaSettings = {},
    peers: readonly PeerPort[] = [],
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
        settings: { ...replication, ...settings },
        clusterId,
      };
      return new KafkaServer(parts, node, dataDirectory);
    });
    return new KafkaCluster(nodes);
  }

  /** Where clients find it, in the form of KAFKA_BROKERS: every node. */
  get brokers(): string {
    return this.nodes.map(({ brokers }) => brokers).join(',');
  }
}

function nodeDirectory(dataDirectory: string, id: number): string {
  return join(dataDirectory, `kafka-${id}`);
}

/** The id that the first formatted node has: a start that was killed may have formatted only some of them. */
function clusterIdOn(dataDirectory: string): string | undefined {
  for (let id = 1; existsSync(nodeDirectory(dataDirectory, id)); id += 1) {
    const metaProperties = join(nodeDirectory(dataDirectory, id), 'records', 'meta.properties');
    if (!existsSync(metaProperties)) continue;
    return /^cluster\.id=(.+)$/m.exec(readFileSync(metaProperties, 'utf8'))?.[1]?.trim();
  }
  return undefined;
}
