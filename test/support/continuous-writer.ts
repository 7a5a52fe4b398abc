import { setTimeout as delay } from 'node:timers/promises';
import { reliableProducer, type Kafka } from '#parallel-consumer/kafka/kafkajs.js';
import type { ReliableProducer } from '#parallel-consumer/kafka/reliable-producer.js';
import { numberedRecords } from './numbered-records.js';

const BATCH = 60;
/** With a batch of 60, some 1,000 records a second: enough to be in the middle of something at any moment. */
const EVERY_MS = 50;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Writes numbered records, on and on, through the engine's `ReliableProducer`, and knows which of them Kafka acknowledged. */
export class ContinuousWriter {
  private readonly producer: ReliableProducer;
  private readonly writing: Promise<void>;
  private stopping = false;
  private next = 0;

  constructor(
    kafka: Kafka,
    private readonly topic: string,
    private readonly keys: number,
    private readonly partitions: number,
  ) {
    this.producer = reliableProducer(kafka, quiet);
    this.writing = this.write();
    // Whoever stops it learns of a failure; until then it is nobody's unhandled one.
    this.writing.catch(() => undefined);
  }

  /** All records numbered below this are acknowledged. */
  get acknowledged(): number {
    return this.next;
  }

  /** Lets the batch on its way be acknowledged, and writes no other. @throws what a send failed with */
  async stop(): Promise<void> {
    this.stopping = true;
    try {
      await this.writing;
    } finally {
      await this.producer.close();
    }
  }

  private async write(): Promise<void> {
    while (!this.stopping) {
      await this.producer.send(this.topic, numberedRecords(BATCH, this.keys, this.partitions, this.next));
      this.next += BATCH;
      await delay(EVERY_MS);
    }
  }
}
