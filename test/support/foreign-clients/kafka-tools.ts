import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { provideParts } from '../../../dev/parts/embedded-parts.js';
import { FetchProgress } from '../../../dev/parts/fetch-progress.js';
import { systemJava } from '../../../dev/parts/java-runtime.js';
import { fetchMavenParts, requireMaven } from '../../../dev/parts/maven-parts.js';
import { VERSIONS } from '../../../dev/parts/versions.js';
import { HANG_GUARD_MS } from '../eventually.js';
import { fetchLimit } from '../fetch-limit.js';
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
