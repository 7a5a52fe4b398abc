import type { Kafka } from 'kafkajs';
import { readRecords, writeRecords, type ReadRecord } from '../support/topic-writer.js';
import type { RunningScript } from './fresh-project.js';

const TOPIC = 'payments.v1';
const DEAD_LETTERS = `${TOPIC}.dead-letter`;
const GROUP = 'payments-savers';
const PARTITION = 1;

/** What an example did with the three records. */
interface ExampleResult {
  /** The dead letter of the bad record. */
  readonly letter: ReadRecord | undefined;
  readonly exitCode: number | null;
  readonly output: string;
  /** How far the committed offset has moved. */
  readonly committed: number;
}

/** Runs one example after another in the same consumer group, each with a good record, a bad one, and one during its end. */
export class ExampleRun {
  private running: RunningScript | undefined;
  private runs = 0;

  constructor(private readonly kafka: Kafka) {}

  /** Starts an example, and ends it by the signal while it handles the last record. */
  async run(start: () => RunningScript, signal: NodeJS.Signals): Promise<ExampleResult> {
    const before = await this.committed();
    const example = start();
    this.running = example;
    await example.prints(/partitions assigned/, 30_000);
    await writeRecords(this.kafka, TOPIC, [payment('good', 5), payment('bad', 0)]);
    await example.prints(/saved good of partition 1/, 20_000);
    this.runs += 1;
    const letter = (await readRecords(this.kafka, DEAD_LETTERS, this.runs, 20_000)).at(-1);
    await writeRecords(this.kafka, TOPIC, [payment('last', 1)]);
    await example.prints(/saving last/, 20_000);
    const exitCode = await example.end(signal);
    return { letter, exitCode, output: example.output, committed: (await this.committed()) - before };
  }

  /** Kills an example that a failed check left running. */
  async end(): Promise<void> {
    await this.running?.end('SIGKILL');
  }

  /** The committed offset of the group; 0 when there is none. */
  private async committed(): Promise<number> {
    const admin = this.kafka.admin();
    await admin.connect();
    const [topic] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
    await admin.disconnect();
    return Math.max(0, Number(topic?.partitions.find(({ partition }) => partition === PARTITION)?.offset ?? 0));
  }
}

function payment(id: string, amount: number) {
  return { partition: PARTITION, key: `account-${id}`, value: Buffer.from(JSON.stringify({ id, amount })) };
}
