import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectKafka } from '#parallel-consumer/kafka/kafkajs.js';
import { freePort } from '../machine/ports.js';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { StackError, WAYS_ROUND } from '../stack-error.js';
import type { ServerProgram } from './server.js';

const NODE_ID = 1;
const FORTY_DAYS_IN_MINUTES = 40 * 24 * 60;

/** A single Kafka node in KRaft mode, broker and controller at once, on loopback. */
export class KafkaServer implements ServerProgram {
  readonly name = 'Kafka';
  readonly logFile: string;
  private readonly directory: string;
  private readonly records: string;
  private readonly properties: string;

  constructor(
    private readonly parts: EmbeddedParts,
    private readonly port: number,
    dataDirectory: string,
  ) {
    this.directory = join(dataDirectory, 'kafka');
    this.records = join(this.directory, 'records');
    this.properties = join(this.directory, 'server.properties');
    this.logFile = join(dataDirectory, 'logs', 'kafka.log');
  }

  /** Where clients find it, in the form of KAFKA_BROKERS. */
  get brokers(): string {
    return `127.0.0.1:${this.port}`;
  }

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    await writeFile(this.properties, kafkaProperties(this.port, await freePort(), this.records));
    if (!existsSync(this.records)) await this.format();
  }

  command(): { file: string; args: readonly string[] } {
    const logging = `-Dlog4j2.configurationFile=file:${join(PROJECT_DIRECTORY, 'dev', 'servers', 'kafka-log4j2.properties')}`;
    const memory = ['-Xms128m', '-Xmx448m', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
    return { file: this.parts.java, args: [...memory, logging, '-cp', this.classPath, 'kafka.Kafka', this.properties] };
  }

  /** Serving means: it answers, and is the Kafka of this data folder, not another stack's that has taken the port. */
  async probe(): Promise<void> {
    const met = await clusterIdAt(this.port);
    const formatted = await this.clusterId();
    if (met === formatted) return;
    throw new StackError(
      'server-failed',
      `The Kafka that answers at ${this.brokers} has the cluster id ${met}; the one started here has ${formatted}.`,
      'Another program took the port in the meantime: choose another with KAFKA_PORT, or end that program.',
    );
  }

  /** The id that its storage was formatted with; the apps refuse any other. */
  async clusterId(): Promise<string> {
    const metaProperties = await readFile(join(this.records, 'meta.properties'), 'utf8');
    const id = /^cluster\.id=(.+)$/m.exec(metaProperties)?.[1];
    if (id === undefined) throw new Error(`No cluster.id in ${this.records}/meta.properties`);
    return id.trim();
  }

  private get classPath(): string {
    return join(this.parts.kafkaJars, '*');
  }

  /** Formats a folder beside and renames it: a killed formatting leaves nothing that looks formatted. */
  private async format(): Promise<void> {
    const unfinished = `${this.records}.unfinished`;
    const properties = `${this.properties}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await writeFile(properties, kafkaProperties(this.port, await freePort(), unfinished));
    const format = ['kafka.tools.StorageTool', 'format', '--config', properties, '--cluster-id', randomClusterId()];
    try {
      await promisify(execFile)(this.parts.java, ['-XX:TieredStopAtLevel=1', '-cp', this.classPath, ...format]);
    } catch (error) {
      throw formatFailure(error, this.directory);
    }
    await rename(unfinished, this.records);
    await rm(properties);
  }
}

/** The tool's own output says why, in Java's words; the most frequent reason is the disk. */
function formatFailure(error: unknown, directory: string): StackError {
  const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  return new StackError(
    'server-failed',
    `Kafka's storage could not be formatted in ${directory}:\n${output.split('\n').slice(0, 6).join('\n')}`,
    `Check that the disk has room and that ${directory} can be written. ${WAYS_ROUND}`,
    { cause: error },
  );
}

/** Kafka's own form of a cluster id: 16 random bytes in base64url, not beginning with a dash, which would look like a flag. */
export function randomClusterId(random: (size: number) => Buffer = randomBytes): string {
  const id = random(16).toString('base64url');
  return id.startsWith('-') ? randomClusterId(random) : id;
}

/** The server's settings. Topics' retention is the apps' to set; here is what a cluster has only one of. */
export function kafkaProperties(port: number, controllerPort: number, recordsDirectory: string): string {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': NODE_ID,
    // A static quorum: the controller's port may then be another at every start.
    'controller.quorum.voters': `${NODE_ID}@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': recordsDirectory,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'auto.create.topics.enable': false,
    // The default forgets an idle group's offsets after 7 days; the records are kept for 30 and more.
    'offsets.retention.minutes': FORTY_DAYS_IN_MINUTES,
    // Enough for the consumers of one start to join together; the default of 3 s delays the first records.
    'group.initial.rebalance.delay.ms': 500,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/**
 * Asks the broker for its cluster's id. Kafka opens its port last, so the client isn't begun before: its own retries,
 * meant for outages, would find it seconds late.
 */
async function clusterIdAt(port: number): Promise<string> {
  await connectOnce(port);
  const unheard = { info: ignore, warn: ignore, error: ignore };
  const admin = connectKafka({ brokers: [`127.0.0.1:${port}`], clientId: 'orders-dev', logger: unheard }).admin();
  try {
    await admin.connect();
    const { clusterId } = await admin.describeCluster();
    // Answered once the group coordinator has loaded; before, a consumer's first join fails noisily for a second.
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

/** The failures of a server that isn't up yet are no news. */
function ignore(): void {}
