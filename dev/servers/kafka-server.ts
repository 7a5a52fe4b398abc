import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectKafka, type KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Kafka } from 'kafkajs';
import { freePort } from '../machine/ports.js';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { StackError, ALTERNATIVES } from '../stack-error.js';
import { kafkaProperties, type KafkaNode } from './kafka-properties.js';
import { operatorAccess, writeCertificates } from './kafka-security.js';
import { DEAD_LETTER_GROUP, ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';
import { setKafkaUsers } from '#service/rights/kafka-rights.js';
import type { ServerProgram } from './server-program.js';

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
