import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kafka } from '#parallel-consumer/kafka/kafkajs.js';
import { freePort } from '../../dev/machine/ports.js';
import { provideParts } from '../../dev/parts/embedded-parts.js';
import { DataDirectory } from '../../dev/servers/data-directory.js';
import { KafkaCluster } from '../../dev/servers/kafka-cluster.js';
import type { KafkaSettings } from '../../dev/servers/kafka-server.js';
import { ServerGuard } from '../../dev/servers/server-guard.js';
import { Server } from '../../dev/servers/server.js';
import { quietKafka } from './topic-writer.js';

/** A killed node may register anew, and its partitions move, only once its session is over: after 9 s by default. */
const SOON_OVER: KafkaSettings = { 'broker.session.timeout.ms': 4_000, 'broker.heartbeat.interval.ms': 1_000 };
const quiet = (): void => undefined;

/** A real Kafka and nothing else, on new data in a temporary folder. Each of its nodes can be killed and started again. */
export class KafkaAlone {
  /** A client without warnings. It has no connection of its own: its admins, producers and consumers do. */
  readonly kafka: Kafka;

  private constructor(
    readonly brokers: string,
    readonly nodes: readonly Server[],
    private readonly data: DataDirectory,
    private readonly guard: ServerGuard,
  ) {
    this.kafka = quietKafka(brokers);
  }

  /** Resolves when all nodes serve. @param size one node, or three with everything replicated */
  static async start(size: 1 | 3, settings: KafkaSettings = {}): Promise<KafkaAlone> {
    const parts = await provideParts(
      { kafka: true, registry: false, mongodb: false },
      quiet,
      new AbortController().signal,
    );
    const data = await DataDirectory.open(await mkdtemp(join(tmpdir(), 'orders-kafka-')), quiet);
    const guard = new ServerGuard(data.path);
    const ports: number[] = [];
    while (ports.length < size) ports.push(await freePort());
    const { brokers, nodes } = await KafkaCluster.of(parts, ports, data.path, { ...SOON_OVER, ...settings });
    const events = { onEnded: quiet, onRecovered: quiet };
    const servers = nodes.map((node) => new Server(node, { records: data.records, guard }, events));
    const alone = new KafkaAlone(brokers, servers, data, guard);
    try {
      await Promise.all(servers.map((server) => server.start()));
    } catch (error) {
      await alone.stop();
      throw error;
    }
    return alone;
  }

  /** The node with this id: 1, 2 ... */
  node(id: number): Server {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new RangeError(`There is no node ${id}`);
    return node;
  }

  /** Where a node keeps the segments of a partition. Change them only while it is stopped. */
  partitionDirectory(topic: string, partition: number, id = 1): string {
    return join(this.data.path, `kafka-${id}`, 'records', `${topic}-${partition}`);
  }

  /** Ends all nodes at once, since nobody wants their data any more, and removes these. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    this.guard.dismiss();
    this.data.close();
    await rm(this.data.path, { recursive: true, force: true });
  }
}
