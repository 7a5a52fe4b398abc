import type { Codec, TextRecord } from './foreign-record.js';
import { KafkaTools } from './kafka-tools.js';

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
