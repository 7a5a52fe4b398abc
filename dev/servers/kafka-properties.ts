import { join } from 'node:path';
import type { KafkaSettings } from './kafka-settings.js';
import { OPERATOR_LISTENER, securityProperties, type KafkaSecurity } from './kafka-security.js';

const FORTY_DAYS_IN_MINUTES = 40 * 24 * 60;

/** The ports of a node for its peers, if a proxy runs between the nodes, such as in a test that partitions the network. */
export interface PeerPort {
  /** The port that the node listens on. */
  readonly listens: number;
  /** The port that it advertises to its peers. */
  readonly found: number;
}

/** A node of a Kafka cluster, both broker and controller. */
export interface KafkaNode {
  /** The displayed name, also used for the log file. */
  readonly name: string;
  readonly id: number;
  /** The port for clients, on loopback. */
  readonly port: number;
  /** The folder of its `records` and `server.properties`. */
  readonly directory: string;
  /** The maximum size of the heap, in MiB. */
  readonly heapMiB: number;
  /**
   * The controller ports of all nodes of its cluster, itself included, by node id. A single node needs none: it chooses
   * a free port at every start.
   */
  readonly controllerPorts?: ReadonlyMap<number, number>;
  /** The ports for the other nodes, if they differ from the client port. */
  readonly peers?: PeerPort;
  /** Settings that extend or override those that every node has. */
  readonly settings?: KafkaSettings;
  /** TLS, users and access control. Default: none of them. Not together with `peers`, whose listener is open. */
  readonly security?: KafkaSecurity;
  /** The cluster id for formatting new storage; random by default. All nodes of a cluster need the same one. */
  readonly clusterId?: string;
}

/** Returns the node of a single-node stack. */
export function singleNode(port: number, dataDirectory: string): KafkaNode {
  return { name: 'Kafka', id: 1, port, directory: join(dataDirectory, 'kafka'), heapMiB: 448 };
}

/** The ports of a node that it chooses at each start. */
export interface ChosenPorts {
  readonly controllers: ReadonlyMap<number, number>;
  /** The port of the operator's listener; only a secured node uses it. */
  readonly operator: number;
}

/** Formats the server's settings. Only cluster-wide ones: the apps set the retention of their topics. */
export function kafkaProperties(
  { id, port, directory, settings, peers, security }: KafkaNode,
  { controllers: controllerPorts, operator }: ChosenPorts,
  recordsDirectory: string,
): string {
  const voters = [...controllerPorts].map(([voter, at]) => `${voter}@127.0.0.1:${at}`);
  const all: KafkaSettings = {
    'process.roles': 'broker,controller',
    'node.id': id,
    // A static quorum: the controllers may use new ports at each start of the whole cluster.
    'controller.quorum.voters': voters.join(','),
    'controller.listener.names': 'CONTROLLER',
    ...listeners(port, controllerPorts.get(id), security && operator),
    ...(security !== undefined && securityProperties(directory)),
    ...(peers !== undefined && peerListener(port, controllerPorts.get(id), peers)),
    'log.dirs': recordsDirectory,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'auto.create.topics.enable': false,
    // By default an idle group's offsets expire after 7 days, but the records are retained for 30 days and more.
    'offsets.retention.minutes': FORTY_DAYS_IN_MINUTES,
    // Enough for the consumers of one start to join together; the default of 3 s delays the first records.
    'group.initial.rebalance.delay.ms': 500,
    // By default it is one block of 128 MiB, half of a small heap, which could make a start fail. Few keys are ever compacted here.
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    ...settings,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

function listeners(port: number, controllerPort: number | undefined, operator: number | undefined): KafkaSettings {
  const controller = `CONTROLLER://127.0.0.1:${controllerPort}`;
  const clients = `${operator === undefined ? 'PLAINTEXT' : 'SASL_SSL'}://127.0.0.1:${port}`;
  const operators = operator === undefined ? [] : [`${OPERATOR_LISTENER}://127.0.0.1:${operator}`];
  return {
    listeners: [clients, controller, ...operators].join(','),
    'advertised.listeners': [clients, ...operators].join(','),
    'listener.security.protocol.map':
      operator === undefined
        ? 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PEERS:PLAINTEXT'
        : `SASL_SSL:SASL_SSL,CONTROLLER:SSL,${OPERATOR_LISTENER}:SSL`,
  };
}

function peerListener(port: number, controllerPort: number | undefined, { listens, found }: PeerPort): KafkaSettings {
  const at = '127.0.0.1';
  return {
    listeners: `PLAINTEXT://${at}:${port},CONTROLLER://${at}:${controllerPort},PEERS://${at}:${listens}`,
    'advertised.listeners': `PLAINTEXT://${at}:${port},PEERS://${at}:${found}`,
    'inter.broker.listener.name': 'PEERS',
  };
}
