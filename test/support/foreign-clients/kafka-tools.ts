import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, writeFile, open, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { provideParts, systemJava } from '../../../dev/parts/embedded-parts.js';
import { FetchProgress, VERSIONS } from '../../../dev/parts/parts.js';
import { fetchMavenParts, requireMaven } from '../../../dev/parts/package-clients.js';
import { HANG_GUARD_MS, fetchLimit } from '../eventually.js';
import { type Codec, type TextRecord, CODECS } from './librdkafka-client.js';
import { provideTestPart } from '../fetched-programs.js';
import { crc32c } from '@platformatic/kafka';
import { isErrno } from '../../../dev/machine/processes.js';

/** The tools run for a second or two: compiling with C2 would take longer than it saves. */
const MEMORY = ['-XX:TieredStopAtLevel=1', '-Xmx256m'];
const KAFKA_ONLY = { kafka: true, registry: false, mongodb: false };
const quiet = (): void => undefined;

/** A command-line tool of Kafka, by its class in `org.apache.kafka.tools`. */
type ToolName = 'ConsoleProducer' | 'ProducerPerformance' | 'TopicCommand';

/** Kafka's Java tools, run from its jars like the scripts in Kafka's bin/ do. */
export class KafkaTools {
  private constructor(
    private readonly java: string,
    private readonly classPath: string,
  ) {}

  /** Finds the jars and a Java runtime in the cache, or fetches them. */
  static async provide(): Promise<KafkaTools> {
    const { java, kafkaJars } = await provideParts(KAFKA_ONLY, quiet, fetchLimit());
    return new KafkaTools(java, [join(kafkaJars, '*'), join(await KafkaTools.directory(), '*')].join(delimiter));
  }

  /** Returns the folder of the tools' own jars, in the cache. */
  static async directory(): Promise<string> {
    const signal = fetchLimit();
    const { java } = await provideParts(KAFKA_ONLY, quiet, signal);
    return provideTestPart(`kafka-tools-${VERSIONS.kafka}`, async (part) => {
      requireMaven();
      const javaHome = systemJava(8) === undefined ? join(java, '..', '..') : undefined;
      await fetchMavenParts(new Map([['kafka-tools', part]]), javaHome, new FetchProgress(quiet), signal);
    });
  }

  /** Returns the words of the command that runs a tool, in a shell. @param tool a class in `org.apache.kafka.tools` */
  commandLine(tool: string): string[] {
    return [this.java, ...MEMORY, '-cp', `'${this.classPath}'`, `org.apache.kafka.tools.${tool}`];
  }

  /**
   * Runs a tool until it ends. @param input its stdin. @returns its output
   * @throws Error with its output if it fails, or hangs
   */
  async run(tool: ToolName, args: readonly string[], input: Buffer | string = ''): Promise<string> {
    const child = spawn(this.java, [...MEMORY, '-cp', this.classPath, `org.apache.kafka.tools.${tool}`, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: HANG_GUARD_MS,
      killSignal: 'SIGKILL',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    child.stdin.end(input);
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${tool} ${args.join(' ')} ended with ${code}:\n${output}`);
    return output;
  }
}

/** Kafka's Java producer and admin client, driven through its command-line tools. */
export class JavaClient {
  private constructor(
    private readonly tools: KafkaTools,
    private readonly brokers: string,
  ) {}

  /** @param brokers `host:port`, separated by commas */
  static async on(brokers: string): Promise<JavaClient> {
    return new JavaClient(await KafkaTools.provide(), brokers);
  }

  /** Writes records with `kafka-console-producer`. Java's partitioner chooses the partition by the key. */
  async produce(topic: string, codec: Codec, records: readonly TextRecord[]): Promise<void> {
    const lines = records.map(({ key, value, headers }) => {
      const named = Object.entries(headers).map(([name, header]) => `${name}:${header}`);
      return `${named.join(',')}\t${key}\t${value}\n`;
    });
    const properties = ['parse.headers=true', 'parse.key=true'].flatMap((each) => ['--reader-property', each]);
    const args = ['--bootstrap-server', this.brokers, '--topic', topic, '--compression-codec', codec, ...properties];
    // The default of 1.5 s is too short for a broker that shares two cores with other tests.
    await this.tools.run('ConsoleProducer', [...args, '--request-timeout-ms', '20000'], lines.join(''));
  }

  /** Writes records of one size without keys with `kafka-producer-perf-test`. */
  async producePerformance(topic: string, codec: Codec, count: number, recordBytes: number): Promise<void> {
    const settings = [
      `bootstrap.servers=${this.brokers}`,
      `compression.type=${codec}`,
      `max.request.size=${recordBytes + 65_536}`,
    ];
    const size = ['--num-records', String(count), '--record-size', String(recordBytes), '--throughput', '-1'];
    await this.tools.run('ProducerPerformance', ['--topic', topic, ...size, '--producer-props', ...settings]);
  }

  /** Deletes a topic with `kafka-topics`. */
  async deleteTopic(topic: string): Promise<void> {
    await this.tools.run('TopicCommand', ['--bootstrap-server', this.brokers, '--delete', '--topic', topic]);
  }

  /** Creates a topic without replicas with `kafka-topics`. */
  async createTopic(topic: string, partitions: number): Promise<void> {
    const size = ['--partitions', String(partitions), '--replication-factor', '1'];
    await this.tools.run('TopicCommand', ['--bootstrap-server', this.brokers, '--create', '--topic', topic, ...size]);
  }
}

/** Kafka's scripts, each with the class that it runs, in `org.apache.kafka.tools`, and its limit if that is an option. They are not in Kafka's jars. */
const SCRIPTS = {
  'kafka-acls.sh': 'AclCommand',
  'kafka-configs.sh': 'ConfigCommand',
  'kafka-consumer-groups.sh': `consumer.group.ConsumerGroupCommand --timeout ${HANG_GUARD_MS}`,
  'kafka-leader-election.sh': 'LeaderElectionCommand',
  'kafka-topics.sh': 'TopicCommand',
} as const;

/**
 * Writes Kafka's scripts into a new folder. They wait longer than those of Kafka, whose 5 to 60 s are too short beside other tests on half
 * a core. The limit of leader elections can't be set, so all of them run before other programs, where that is allowed.
 * @returns the folder, which the caller removes
 */
export async function writeKafkaScripts(): Promise<string> {
  const tools = await KafkaTools.provide();
  const folder = await mkdtemp(join(tmpdir(), 'kafka-scripts-'));
  const properties = join(folder, 'client.properties');
  await writeFile(properties, `default.api.timeout.ms=${HANG_GUARD_MS}\nrequest.timeout.ms=${HANG_GUARD_MS}\n`);
  for (const [script, tool] of Object.entries(SCRIPTS)) {
    const file = join(folder, script);
    const lines = [
      '#!/bin/sh',
      // The properties of the caller have users and certificates.
      `case "$*" in *--command-config*) ;; *) set -- "$@" --command-config ${properties} ;; esac`,
      'renice -n -10 -p $$ >/dev/null 2>&1',
      `exec ${tools.commandLine(tool).join(' ')} "$@"`,
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    await chmod(file, 0o755);
  }
  return folder;
}

/** The positions of the fields in a record batch of magic 2 (Kafka's message format, "Record Batch"). */
const BATCH_FIELDS = {
  baseOffset: 0,
  length: 8,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  producerId: 43,
  count: 57,
  records: 61,
} as const;
/** The bytes that `length` doesn't include: itself and the base offset. */
const LOG_OVERHEAD = 12;

/** A record batch on a broker's disk. */
export interface StoredBatch {
  readonly file: string;
  /** The byte of the file where it begins. */
  readonly position: number;
  readonly bytes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** The codec's name, or its number if the codec is unknown. */
  readonly codec: string;
  readonly isTransactional: boolean;
  /** A transaction's commit or abort marker. */
  readonly isControl: boolean;
  readonly producerId: bigint;
  /** The number of records: 0 if the cleaner has removed all of them but kept the batch. */
  readonly records: number;
}

/** Lists a partition's batches as stored by the broker, in offset order. @param directory see `StandaloneKafka.partitionDirectory` */
export async function storedBatches(directory: string): Promise<StoredBatch[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.log')).toSorted();
  try {
    const segments = await Promise.all(names.map((name) => batchesIn(join(directory, name))));
    return segments.flat();
  } catch (error) {
    // The log cleaner has replaced a segment since the folder was listed.
    if (isErrno(error, 'ENOENT')) return storedBatches(directory);
    throw error;
  }
}

async function batchesIn(file: string): Promise<StoredBatch[]> {
  const bytes = await readFile(file);
  const batches: StoredBatch[] = [];
  for (let position = 0; position + BATCH_FIELDS.records <= bytes.length;) {
    const length = LOG_OVERHEAD + bytes.readInt32BE(position + BATCH_FIELDS.length);
    // The rest is preallocated, or being written.
    if (length === LOG_OVERHEAD || position + length > bytes.length) break;
    batches.push(toBatch(file, position, bytes.subarray(position, position + length)));
    position += length;
  }
  return batches;
}

function toBatch(file: string, position: number, bytes: Buffer): StoredBatch {
  const baseOffset = Number(bytes.readBigInt64BE(BATCH_FIELDS.baseOffset));
  const attributes = bytes.readInt16BE(BATCH_FIELDS.attributes);
  return {
    file,
    position,
    bytes: bytes.length,
    baseOffset,
    lastOffset: baseOffset + bytes.readInt32BE(BATCH_FIELDS.lastOffsetDelta),
    codec: CODECS[attributes & 0x07] ?? String(attributes & 0x07),
    isTransactional: (attributes & 0x10) !== 0,
    isControl: (attributes & 0x20) !== 0,
    producerId: bytes.readBigInt64BE(BATCH_FIELDS.producerId),
    records: bytes.readInt32BE(BATCH_FIELDS.count),
  };
}

// The following changes segments on disk, like a failing disk or a lost replica. Use it only while the broker is stopped.

/** Codec numbers that Kafka has not assigned to a codec. */
type UnknownCodec = 5 | 6 | 7;

/** Flips a byte amid the batch's records, so that its CRC is wrong. Needs a clean stop, or the broker checks CRCs at its start. */
export async function corruptBatch(batch: StoredBatch): Promise<void> {
  await rewrite(batch, (bytes) => {
    const at = BATCH_FIELDS.records + Math.floor((bytes.length - BATCH_FIELDS.records) / 2);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x01, at);
  });
}

/** Sets a codec that no client knows, with a valid CRC. The broker must have stopped cleanly. */
export async function setUnknownCodec(batch: StoredBatch, codec: UnknownCodec): Promise<void> {
  await rewrite(batch, (bytes) => {
    const attributes = bytes.readInt16BE(BATCH_FIELDS.attributes);
    bytes.writeInt16BE((attributes & ~0x07) | codec, BATCH_FIELDS.attributes);
    bytes.writeUInt32BE(crc32c(bytes.subarray(BATCH_FIELDS.attributes)), BATCH_FIELDS.crc);
  });
}

/** Removes the batches from an offset on, as if this replica had never fetched them. Needs a killed broker, which rebuilds the indexes. */
export async function truncateLog(directory: string, offset: number): Promise<void> {
  const first = (await storedBatches(directory)).find(({ baseOffset }) => baseOffset === offset);
  if (first === undefined) throw new RangeError(`no batch begins at offset ${offset} in ${directory}`);
  await truncate(first.file, first.position);
  const derived = (await readdir(directory)).filter((name) => /\.(index|timeindex|txnindex|snapshot)$/.test(name));
  await Promise.all(derived.map((name) => rm(join(directory, name))));
}

async function rewrite(batch: StoredBatch, change: (bytes: Buffer) => void): Promise<void> {
  const file = await open(batch.file, 'r+');
  try {
    const bytes = Buffer.alloc(batch.bytes);
    await file.read(bytes, 0, bytes.length, batch.position);
    change(bytes);
    await file.write(bytes, 0, bytes.length, batch.position);
  } finally {
    await file.close();
  }
}
