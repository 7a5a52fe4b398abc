import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kafka } from 'kafkajs';
import { freePort } from '../../dev/machine/ports.js';
import { provideParts } from '../../dev/parts/embedded-parts.js';
import { DataDirectory } from '../../dev/servers/data-directory.js';
import { KafkaCluster, operatorAccess, type KafkaSecurity, type KafkaSettings } from '../../dev/servers/kafka.js';
import { ServerGuard, Server } from '../../dev/servers/server.js';
import { quietKafka } from './topic-writer.js';

/** A killed node can register again, and its partitions move, only after its session has timed out: 9 s by default. */
const SHORT_SESSION: KafkaSettings = { 'broker.session.timeout.ms': 4_000, 'broker.heartbeat.interval.ms': 1_000 };
const quiet = (): void => undefined;

/** A real Kafka without other servers, on new data in a temporary folder. Each of its nodes can be killed and restarted. */
export class StandaloneKafka {
  private constructor(
    readonly brokers: string,
    readonly nodes: readonly Server[],
    private readonly data: DataDirectory,
    private readonly guard: ServerGuard,
    private readonly operator: { readonly brokers: () => string; readonly security: KafkaSecurity } | undefined,
  ) {}

  /**
   * A client without log output, of the operator if there are users. It has no connection of its own; its admins, producers and
   * consumers connect separately.
   */
  get kafka(): Kafka {
    if (this.operator === undefined) return quietKafka(this.brokers);
    return quietKafka(this.operator.brokers(), operatorAccess(this.operator.security));
  }

  /** Resolves when all nodes are ready. @param size one node, or three with replication */
  static async start(size: 1 | 3, settings: KafkaSettings = {}, security?: KafkaSecurity): Promise<StandaloneKafka> {
    const parts = await provideParts(
      { kafka: true, registry: false, mongodb: false },
      quiet,
      new AbortController().signal,
    );
    const data = await DataDirectory.open(await mkdtemp(join(tmpdir(), 'orders-kafka-')), quiet);
    const guard = new ServerGuard(data.path);
    const ports: number[] = [];
    while (ports.length < size) ports.push(await freePort());
    const all = { ...SHORT_SESSION, ...settings };
    const { brokers, nodes } = await KafkaCluster.of(parts, ports, data.path, all, [], security);
    const events = { onEnded: quiet, onRecovered: quiet };
    const servers = nodes.map((node) => new Server(node, { records: data.records, guard }, events));
    const operator = security && {
      brokers: () => nodes.map(({ operatorBrokers }) => operatorBrokers).join(','),
      security,
    };
    const alone = new StandaloneKafka(brokers, servers, data, guard, operator);
    try {
      await Promise.all(servers.map((server) => server.start()));
    } catch (error) {
      await alone.stop();
      throw error;
    }
    return alone;
  }

  /** Returns the node with this id: 1, 2 ... */
  node(id: number): Server {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new RangeError(`Unknown node ${id}`);
    return node;
  }

  /** Returns the folder of a partition's segments on a node. Change the segments only while the node is stopped. */
  partitionDirectory(topic: string, partition: number, id = 1): string {
    return join(this.data.path, `kafka-${id}`, 'records', `${topic}-${partition}`);
  }

  /** Kills all nodes, since their data isn't needed any more, and removes the data. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    this.guard.dismiss();
    this.data.close();
    await rm(this.data.path, { recursive: true, force: true });
  }
}
