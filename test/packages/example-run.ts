import type { Kafka } from 'kafkajs';
import { readRecords, writeRecords, type ReadRecord } from '../support/topic-writer.js';
import type { RunningScript } from './fresh-project.js';

const TOPIC = 'payments.v1';
const DEAD_LETTERS = `${TOPIC}.dead-letter`;
const GROUP = 'payments-savers';
const PARTITION = 1;
const LAST = { partition: PARTITION, key: 'account-last', value: Buffer.from('{"id":"last","amount":1}') };

/** What an example did with the three records. */
interface ExampleResult {
  /** The dead letter of the bad record. */
  readonly letter: ReadRecord | undefined;
  readonly exitCode: number | null;
  readonly output: string;
  /** How far the committed offset has moved. */
  readonly committed: number;
}

/** Runs one example after another in the same consumer group, each with the records that `send.mjs` sends, and one during its end. */
export class ExampleRun {
  private running: RunningScript | undefined;
  private runs = 0;

  /** @param send runs `send.mjs`, which sends a bad payment and a good one */
  constructor(
    private readonly kafka: Kafka,
    private readonly send: () => RunningScript,
  ) {}

  /** Starts an example, and ends it by the signal while it handles the last record. */
  async run(start: () => RunningScript, signal: NodeJS.Signals): Promise<ExampleResult> {
    const before = await this.committed();
    const example = start();
    this.running = example;
    await example.prints(/partitions assigned/);
    await this.send().succeeds();
    await example.prints(/saved 2 of partition 1/);
    this.runs += 1;
    const letter = (await readRecords(this.kafka, DEAD_LETTERS, this.runs)).at(-1);
    await writeRecords(this.kafka, TOPIC, [LAST]);
    await example.prints(/saving last/);
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
