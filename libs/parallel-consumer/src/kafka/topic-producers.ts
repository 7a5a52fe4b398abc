import type { BrokerFailure } from '../broker/broker.js';
import type { OutgoingRecord } from '../records/record.js';
import type { ReliableProducer } from './reliable-producer.js';

/**
 * One producer for each topic. A producer sends one batch at a time and retries it without limit, so with one for all, a topic that was deleted
 * would block the records of the others.
 */
export class TopicProducers {
  private readonly producers = new Map<string, ReliableProducer>();
  private closed = false;

  constructor(private readonly create: () => ReliableProducer) {}

  /** The failures for which batches are being retried, at most one for each topic. */
  get failures(): readonly BrokerFailure[] {
    return [...this.producers.values()].flatMap(({ failure }) => failure ?? []);
  }

  /** Sends the records after those that were given for this topic before. @throws as `ReliableProducer.send` */
  async send(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    if (this.closed) throw new Error('the producers are closed');
    const producer = this.producers.get(topic) ?? this.create();
    this.producers.set(topic, producer);
    await producer.send(topic, records);
  }

  /** Waits up to 2 s for the batches in progress, drops queued ones and disconnects within another 2 s. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.producers.values()].map(async (producer) => producer.close()));
  }
}
