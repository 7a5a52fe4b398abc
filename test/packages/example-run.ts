import { expect } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { readRecords, writeRecords } from '../support/topic-writer.js';
import type { RunningScript } from './fresh-project.js';

const TOPIC = 'orders.v1';
const DEAD_LETTERS = `${TOPIC}.dead-letter`;
const GROUP = 'orders-savers';
const PARTITION = 1;
const DRAINED = /saving last[^]*saved last of partition 1[^]*stopped: finished 1, handed over 0, lost 0/;

/** Runs one example after another in the same consumer group, each with a good record, a bad one, and one during its end. */
export class ExampleRun {
  private running: RunningScript | undefined;
  private runs = 0;

  constructor(private readonly kafka: Kafka) {}

  /** Starts an example, and checks what it does until it has ended by the signal. */
  async run(start: () => RunningScript, signal: NodeJS.Signals): Promise<void> {
    const before = await this.committed();
    const example = start();
    this.running = example;
    await example.prints(/partitions assigned/, 30_000);
    await writeRecords(this.kafka, TOPIC, [order('good', 5), order('bad', 0)]);
    await example.prints(/saved good of partition 1/, 20_000);
    this.runs += 1;
    const letter = (await readRecords(this.kafka, DEAD_LETTERS, this.runs, 20_000)).at(-1);
    expect(letter).toMatchObject({
      partition: PARTITION,
      key: Buffer.from('account-bad'),
      headers: {
        'dead-letter-error-code': 'RangeError',
        'dead-letter-error-message': 'order bad has no quantity',
        'dead-letter-attempts': '5',
      },
    });
    await writeRecords(this.kafka, TOPIC, [order('last', 1)]);
    await example.prints(/saving last/, 20_000);
    // Nest ends its process with the received signal once everything is closed.
    expect([0, null]).toContain(await example.end(signal));
    expect(example.output).toMatch(DRAINED);
    expect(await this.committed()).toBe(before + 3);
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

function order(id: string, quantity: number) {
  return { partition: PARTITION, key: `account-${id}`, value: Buffer.from(JSON.stringify({ id, quantity })) };
}
