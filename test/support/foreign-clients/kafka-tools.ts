import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { provideParts, systemJava } from '../../../dev/parts/embedded-parts.js';
import { FetchProgress, VERSIONS } from '../../../dev/parts/parts.js';
import { fetchMavenParts, requireMaven } from '../../../dev/parts/package-clients.js';
import { HANG_GUARD_MS } from '../eventually.js';
import { fetchLimit } from '../fetch-limit.js';
import type { Codec, TextRecord } from './foreign-record.js';
import { provideTestPart } from './test-part.js';

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

/** Kafka's scripts, each with the class that it runs, in `org.apache.kafka.tools`. They are not in Kafka's jars. */
const SCRIPTS = {
  'kafka-acls.sh': 'AclCommand',
  'kafka-configs.sh': 'ConfigCommand',
  'kafka-consumer-groups.sh': 'consumer.group.ConsumerGroupCommand',
  'kafka-leader-election.sh': 'LeaderElectionCommand',
  'kafka-topics.sh': 'TopicCommand',
} as const;

/** Writes Kafka's scripts into a new folder. @returns the folder, which the caller removes */
export async function writeKafkaScripts(): Promise<string> {
  const tools = await KafkaTools.provide();
  const folder = await mkdtemp(join(tmpdir(), 'kafka-scripts-'));
  for (const [script, tool] of Object.entries(SCRIPTS)) {
    const file = join(folder, script);
    await writeFile(file, `#!/bin/sh\nexec ${tools.commandLine(tool).join(' ')} "$@"\n`);
    await chmod(file, 0o755);
  }
  return folder;
}
