import { setTimeout as delay } from 'node:timers/promises';
import { createTopics } from '#service/kafka/create-topics.js';
import { numberedRecords, writeAll } from '../../support/numbered-records.js';
import { StandaloneKafka } from '../../support/standalone-kafka.js';
import { recordsOn } from '../../support/topic-writer.js';
import type { CaseResult } from './case-result.js';
import { HandledValues } from './handled-values.js';
import { PlainProcess } from './plain-process.js';
import type { Client, PlainTask } from './plain-task.js';

/** A client, and how its processes are started. */
export interface ClientUnderTest {
  readonly client: Client;
  readonly node: string;
  readonly directory: string;
}

const PARTITIONS = 4;
const RECORDS = 4_000;
const SENDS = 200;
const HANDLER_MS = 5;
const OUTAGE_MS = 10_000;
const TURNS = 3;
const TURN_MS = 5_000;
/** Batches that take nearly as long as `TIMES.pollIntervalMs`. */
const SLOW = { records: 200, handlerMs: 300 };

/** Runs what is hard for consumers and producers against a client library by itself, on a real Kafka. */
export class PlainCases {
  private constructor(
    private readonly kafka: StandaloneKafka,
    private readonly tested: ClientUnderTest,
    private readonly running: PlainProcess[] = [],
  ) {}

  static async run(tested: ClientUnderTest, onResult: (result: CaseResult) => void): Promise<void> {
    const kafka = await StandaloneKafka.start(1);
    const cases = new PlainCases(kafka, tested);
    try {
      for (const each of cases.all()) {
        const { text, ...result } = await each();
        const failures = cases.running.flatMap(({ failure }) => failure ?? []);
        onResult({ ...result, text: [text, ...failures].join('; ') });
        await cases.endAll();
      }
    } finally {
      await cases.endAll();
      await kafka.stop();
    }
  }

  private all(): (() => Promise<CaseResult>)[] {
    return [
      async () => this.sends(),
      async () => this.slowHandler(),
      async () => this.killed(),
      async () => this.joinsAndLeaves(),
      async () => this.outage(),
    ];
  }

  private async sends(): Promise<CaseResult> {
    const topic = await this.topic('sends', 1);
    let succeeded = 0;
    const sender = this.start({ do: 'send', topic, count: SENDS }, (line) => (succeeded = Number(line)));
    await sender.ended();
    const found = await recordsOn(this.kafka.kafka, topic);
    const text = `${SENDS} calls: ${succeeded} succeeded, ${found} records in the topic`;
    return { name: 'sends of one idempotent producer at the same time', holds: found >= succeeded, text };
  }

  private async slowHandler(): Promise<CaseResult> {
    const { topic, values } = await this.filledTopic('slow', SLOW.records, 1);
    this.consume(topic, values, SLOW.handlerMs);
    await values.all();
    return values.result('a handler that is slow, but within its time');
  }

  private async killed(): Promise<CaseResult> {
    const { topic, values } = await this.filledTopic('killed', RECORDS);
    this.consume(topic, values);
    const killed = this.consume(topic, values);
    await values.reach(RECORDS / 3);
    await killed.kill();
    await values.all();
    return values.result('a member is killed');
  }

  private async joinsAndLeaves(): Promise<CaseResult> {
    const { topic, values } = await this.filledTopic('joins', RECORDS);
    this.consume(topic, values);
    await values.reach(RECORDS / 10);
    for (let turn = 0; turn < TURNS; turn += 1) {
      const other = this.consume(topic, values);
      await delay(TURN_MS);
      await other.stop();
    }
    await values.all();
    return values.result('a second member joins and leaves three times');
  }

  private async outage(): Promise<CaseResult> {
    const { topic, values } = await this.filledTopic('outage', RECORDS);
    this.consume(topic, values);
    await values.reach(RECORDS / 4);
    await this.kafka.node(1).kill();
    await delay(OUTAGE_MS);
    await this.kafka.node(1).start();
    await values.all();
    return values.result('the broker is away for ten seconds');
  }

  private consume(topic: string, values: HandledValues, handlerMs = HANDLER_MS): PlainProcess {
    return this.start({ do: 'consume', topic, handlerMs }, (value) => values.add(value));
  }

  private start(
    task: Partial<PlainTask> & Pick<PlainTask, 'do' | 'topic'>,
    onLine: (line: string) => void,
  ): PlainProcess {
    const { client, node, directory } = this.tested;
    const { topic } = task;
    const brokers = this.kafka.brokers.split(',');
    const all = { client, directory, brokers, groupId: `${topic}-group`, count: 0, handlerMs: 0, ...task };
    const started = new PlainProcess(node, all, onLine);
    this.running.push(started);
    return started;
  }

  private async endAll(): Promise<void> {
    await Promise.all(this.running.splice(0).map(async (each) => each.kill()));
  }

  private async filledTopic(
    name: string,
    count: number,
    partitions = PARTITIONS,
  ): Promise<{ topic: string; values: HandledValues }> {
    const topic = await this.topic(name, partitions);
    const records = numberedRecords(count, count, partitions);
    await writeAll(this.kafka.kafka, topic, records);
    return { topic, values: new HandledValues(records.map(({ value }) => String(value))) };
  }

  private async topic(name: string, numPartitions: number): Promise<string> {
    const admin = this.kafka.kafka.admin();
    await admin.connect();
    await createTopics(admin, [{ topic: name, numPartitions, replicationFactor: 1 }]);
    await admin.disconnect();
    return name;
  }
}
