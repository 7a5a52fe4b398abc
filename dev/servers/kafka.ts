import { printedBy, runCommand } from '../machine/child-processes.js';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connectKafka, type KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Kafka } from 'kafkajs';
import { freePort } from '../machine/ports.js';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { StackError, ALTERNATIVES } from '../stack-error.js';
import { DEAD_LETTER_GROUP, ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';
import { setKafkaUsers } from '#service/rights/kafka-rights.js';
import type { ServerProgram } from './server.js';
import type { CertifiedKey, PrivateAuthority } from './private-authority.js';
import type { ServerUser } from '#service/rights/service-rights.js';

/** Settings of a Kafka node by their names in its properties file. */
export type KafkaSettings = Readonly<Record<string, string | number | boolean>>;

/** A Kafka node in KRaft mode on loopback, both broker and controller. */
export class KafkaServer implements ServerProgram {
  readonly name: string;
  readonly logFile: string;
  private readonly directory: string;
  private readonly records: string;
  private readonly properties: string;
  private readonly port: number;
  private operatorPort = 0;

  constructor(
    private readonly parts: EmbeddedParts,
    private readonly node: KafkaNode,
    dataDirectory: string,
  ) {
    this.name = node.name;
    this.port = node.port;
    this.directory = node.directory;
    this.records = join(this.directory, 'records');
    this.properties = join(this.directory, 'server.properties');
    this.logFile = join(dataDirectory, 'logs', `${node.name.toLowerCase()}.log`);
  }

  /** The bootstrap address in the form of KAFKA_BROKERS. */
  get brokers(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Where the operator of a secured node connects, once it has been started. */
  get operatorBrokers(): string {
    return `127.0.0.1:${this.operatorPort}`;
  }

  /** Returns a client that may do everything. */
  operatorClient(): Kafka {
    const { security } = this.node;
    if (security === undefined) return quietKafka(this.brokers);
    return quietKafka(this.operatorBrokers, operatorAccess(security));
  }

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    if (this.node.security !== undefined) await writeCertificates(this.node.security, this.directory);
    this.operatorPort = await freePort();
    await writeFile(this.properties, await this.settings(this.records), { mode: 0o600 });
    if (!existsSync(this.records)) await this.format();
  }

  command(): { file: string; args: readonly string[] } {
    const logging = `-Dlog4j2.configurationFile=file:${join(PROJECT_DIRECTORY, 'dev', 'servers', 'kafka-log4j2.properties')}`;
    const memory = ['-Xms128m', `-Xmx${this.node.heapMiB}m`, '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
    return { file: this.parts.java, args: [...memory, logging, '-cp', this.classPath, 'kafka.Kafka', this.properties] };
  }

  /** Checks that the broker responds and belongs to this data folder rather than to another stack that uses the port. */
  async probe(): Promise<void> {
    await connectOnce(this.port);
    const { security } = this.node;
    const client = this.operatorClient();
    const actual = await clusterIdOf(client);
    const formatted = await this.clusterId();
    if (actual === formatted) return security && setKafkaUsers(client, security.clients);
    throw new StackError(
      'server-failed',
      `The Kafka at ${this.brokers} has the cluster id ${actual}; the one started here has ${formatted}.`,
      'Another program took the port in the meantime: choose another with KAFKA_PORT, or end that program.',
    );
  }

  /** Returns the cluster id that the storage was formatted with; the apps reject any other. */
  async clusterId(): Promise<string> {
    const metaProperties = await readFile(join(this.records, 'meta.properties'), 'utf8');
    const id = /^cluster\.id=(.+)$/m.exec(metaProperties)?.[1];
    if (id === undefined) throw new Error(`No cluster.id in ${this.records}/meta.properties`);
    return id.trim();
  }

  private async settings(recordsDirectory: string): Promise<string> {
    const controllers = this.node.controllerPorts ?? new Map([[this.node.id, await freePort()]]);
    return kafkaProperties(this.node, { controllers, operator: this.operatorPort }, recordsDirectory);
  }

  private get classPath(): string {
    return join(this.parts.kafkaJars, '*');
  }

  /** Formats a temporary folder and renames it, so that a killed formatting never leaves storage that looks formatted. */
  private async format(): Promise<void> {
    const unfinished = `${this.records}.unfinished`;
    const properties = `${this.properties}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await writeFile(properties, await this.settings(unfinished), { mode: 0o600 });
    const clusterId = this.node.clusterId ?? randomClusterId();
    const format = ['kafka.tools.StorageTool', 'format', '--config', properties, '--cluster-id', clusterId];
    try {
      await runCommand(this.parts.java, ['-XX:TieredStopAtLevel=1', '-cp', this.classPath, ...format]);
    } catch (error) {
      throw formatFailure(error, this.directory);
    }
    await rename(unfinished, this.records);
    await rm(properties);
  }
}

/** Builds an error with the tool's own output, which gives the reason in Java's terms. The most frequent reason is the disk. */
function formatFailure(error: unknown, directory: string): StackError {
  const output = printedBy(error, 'stderr');
  return new StackError(
    'server-failed',
    `Kafka's storage could not be formatted in ${directory}:\n${output.split('\n').slice(0, 6).join('\n')}`,
    `Check that the disk has room and that ${directory} can be written. ${ALTERNATIVES}`,
    { cause: error },
  );
}

/** Returns a cluster id in Kafka's format: 16 random bytes in base64url, without a leading dash, which would look like a flag. */
export function randomClusterId(random: (size: number) => Buffer = randomBytes): string {
  const id = random(16).toString('base64url');
  return id.startsWith('-') ? randomClusterId(random) : id;
}

function quietKafka(broker: string, access: Pick<KafkaOptions, 'ssl'> = {}): Kafka {
  const silent = { info: ignore, warn: ignore, error: ignore };
  return connectKafka({ brokers: [broker], clientId: 'orders-dev', logger: silent, ...access });
}

/**
 * Requests the cluster id from the broker. Call it only after a plain connection, since Kafka opens its port last: the client's own
 * retries are meant for outages and would notice a started broker seconds late.
 */
async function clusterIdOf(kafka: Kafka): Promise<string> {
  const admin = kafka.admin();
  const producer = kafka.producer({ idempotent: true });
  try {
    await admin.connect();
    const { clusterId } = await admin.describeCluster();
    // Succeeds once the coordinators of both groups have loaded. Before that, a consumer's first join fails and logs errors for a second.
    for (const groupId of [ORDERS_CONSUMER_GROUP, DEAD_LETTER_GROUP]) await admin.fetchOffsets({ groupId });
    // Requests a producer id, which a broker refuses until the controller has given it a first block of them.
    await producer.connect();
    return clusterId;
  } finally {
    await producer.disconnect();
    await admin.disconnect();
  }
}

async function connectOnce(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 });
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

/** Drops the log messages about a server that isn't ready yet. */
function ignore(): void {}

const HEAP_MIB = 256;
/** With 3 replicas, of which at least 2 are in sync, any one node may be unavailable without loss of acknowledged records. */
const REPLICAS = 3;
const MIN_IN_SYNC = 2;

/** The settings of a cluster of three or more nodes, for internal topics and for topics created without a replication factor. */
const REPLICATED: KafkaSettings = {
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

const FORTY_DAYS_IN_MINUTES = 40 * 24 * 60;

/** The ports of a node for its peers, if a proxy runs between the nodes, such as in a test that partitions the network. */
export interface PeerPort {
  /** The port that the node listens on. */
  readonly listens: number;
  /** The port that it advertises to its peers. */
  readonly found: number;
}

/** A node of a Kafka cluster, both broker and controller. */
interface KafkaNode {
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
interface ChosenPorts {
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

/** TLS, users and access control of a Kafka. */
export interface KafkaSecurity {
  /** Signs the certificates of the nodes and of the operator: a new one at each start is fine. */
  readonly authority: PrivateAuthority;
  /** The certificate of the operator, who may do everything. Its common name is `OPERATOR_NAME`. */
  readonly operator: CertifiedKey;
  /** Users who may do only what an ACL allows. They get their passwords at each start. */
  readonly clients: readonly ServerUser[];
}

/** The listener for the nodes and the operator, who sign in by certificate. */
const OPERATOR_LISTENER = 'OPERATORS';
/** The name in the certificates of the nodes and of the operator. */
export const OPERATOR_NAME = 'orders-kafka';
const MECHANISM = 'SCRAM-SHA-512';

/** Returns how the operator connects, at the port of `OPERATOR_LISTENER`. */
export function operatorAccess({ authority, operator }: KafkaSecurity): Pick<KafkaOptions, 'ssl'> {
  return { ssl: { ca: authority.certificate, cert: operator.certificate, key: operator.key } };
}

/** Writes the node's new certificate and its authority. Only the owner can read the private key. */
async function writeCertificates({ authority }: KafkaSecurity, directory: string): Promise<void> {
  const { certificate, key } = await authority.issue(OPERATOR_NAME, ['127.0.0.1']);
  await mkdir(directory, { recursive: true });
  await writeFile(keyFile(directory), `${key}\n${certificate}\n`, { mode: 0o600 });
  await writeFile(authorityFile(directory), authority.certificate);
}

/** Returns the properties of a secured node. Its certificates are in `directory`. They contain no password. */
function securityProperties(directory: string): KafkaSettings {
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  return {
    'inter.broker.listener.name': OPERATOR_LISTENER,
    'sasl.enabled.mechanisms': MECHANISM,
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${login} required;`,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyFile(directory),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': authorityFile(directory),
    'listener.name.controller.ssl.client.auth': 'required',
    [`listener.name.${OPERATOR_LISTENER.toLowerCase()}.ssl.client.auth`]: 'required',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:CN=${OPERATOR_NAME}`,
  };
}

function keyFile(directory: string): string {
  return join(directory, 'node.pem');
}

function authorityFile(directory: string): string {
  return join(directory, 'authority.pem');
}
