import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { freePort } from '../machine/ports.js';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { StackError, ALTERNATIVES } from '../stack-error.js';
import type { ServerProgram } from './server-program.js';

const FORTY_DAYS_IN_MINUTES = 40 * 24 * 60;

/** Settings of a Kafka node by their names in its properties file. */
export type KafkaSettings = Readonly<Record<string, string | number | boolean>>;

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
  /** The cluster id for formatting new storage; random by default. All nodes of a cluster need the same one. */
  readonly clusterId?: string;
}

/** Returns the node of a single-node stack. */
export function singleNode(port: number, dataDirectory: string): KafkaNode {
  return { name: 'Kafka', id: 1, port, directory: join(dataDirectory, 'kafka'), heapMiB: 448 };
}

/** A Kafka node in KRaft mode on loopback, both broker and controller. */
export class KafkaServer implements ServerProgram {
  readonly name: string;
  readonly logFile: string;
  private readonly directory: string;
  private readonly records: string;
  private readonly properties: string;
  private readonly port: number;

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

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    await writeFile(this.properties, await this.settings(this.records));
    if (!existsSync(this.records)) await this.format();
  }

  command(): { file: string; args: readonly string[] } {
    const logging = `-Dlog4j2.configurationFile=file:${join(PROJECT_DIRECTORY, 'dev', 'servers', 'kafka-log4j2.properties')}`;
    const memory = ['-Xms128m', `-Xmx${this.node.heapMiB}m`, '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
    return { file: this.parts.java, args: [...memory, logging, '-cp', this.classPath, 'kafka.Kafka', this.properties] };
  }

  /** Checks that the broker responds and belongs to this data folder rather than to another stack that uses the port. */
  async probe(): Promise<void> {
    const actual = await clusterIdAt(this.port);
    const formatted = await this.clusterId();
    if (actual === formatted) return;
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
    return kafkaProperties(this.node, controllers, recordsDirectory);
  }

  private get classPath(): string {
    return join(this.parts.kafkaJars, '*');
  }

  /** Formats a temporary folder and renames it, so that a killed formatting never leaves storage that looks formatted. */
  private async format(): Promise<void> {
    const unfinished = `${this.records}.unfinished`;
    const properties = `${this.properties}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await writeFile(properties, await this.settings(unfinished));
    const clusterId = this.node.clusterId ?? randomClusterId();
    const format = ['kafka.tools.StorageTool', 'format', '--config', properties, '--cluster-id', clusterId];
    try {
      await promisify(execFile)(this.parts.java, ['-XX:TieredStopAtLevel=1', '-cp', this.classPath, ...format]);
    } catch (error) {
      throw formatFailure(error, this.directory);
    }
    await rename(unfinished, this.records);
    await rm(properties);
  }
}

/** Builds an error with the tool's own output, which gives the reason in Java's terms. The most frequent reason is the disk. */
function formatFailure(error: unknown, directory: string): StackError {
  const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
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

/** Formats the server's settings. Only cluster-wide ones: the apps set the retention of their topics. */
export function kafkaProperties(
  { id, port, settings, peers }: KafkaNode,
  controllerPorts: ReadonlyMap<number, number>,
  recordsDirectory: string,
): string {
  const voters = [...controllerPorts].map(([voter, at]) => `${voter}@127.0.0.1:${at}`);
  const all: KafkaSettings = {
    'process.roles': 'broker,controller',
    'node.id': id,
    // A static quorum: the controllers may use new ports at each start of the whole cluster.
    'controller.quorum.voters': voters.join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPorts.get(id)}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PEERS:PLAINTEXT',
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

function peerListener(port: number, controllerPort: number | undefined, { listens, found }: PeerPort): KafkaSettings {
  const at = '127.0.0.1';
  return {
    listeners: `PLAINTEXT://${at}:${port},CONTROLLER://${at}:${controllerPort},PEERS://${at}:${listens}`,
    'advertised.listeners': `PLAINTEXT://${at}:${port},PEERS://${at}:${found}`,
    'inter.broker.listener.name': 'PEERS',
  };
}

/**
 * Requests the cluster id from the broker. Kafka opens its port last, so the client starts only after a plain connection: its own
 * retries are meant for outages and would notice a started broker seconds late.
 */
async function clusterIdAt(port: number): Promise<string> {
  await connectOnce(port);
  const silent = { info: ignore, warn: ignore, error: ignore };
  const admin = connectKafka({ brokers: [`127.0.0.1:${port}`], clientId: 'orders-dev', logger: silent }).admin();
  try {
    await admin.connect();
    const { clusterId } = await admin.describeCluster();
    // Succeeds once the group coordinator has loaded. Before that, a consumer's first join fails and logs errors for a second.
    await admin.fetchOffsets({ groupId: 'orders-dev' });
    return clusterId;
  } finally {
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
