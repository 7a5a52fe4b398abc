import { describe, expect, it } from '@jest/globals';
import type { OutgoingRecord } from '../records/record.js';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { RecordsRejectedError } from '../failures/records-rejected.js';
import { RecordingLogger } from '../behaviour/gated-consumer.js';
import { ReliableProducer, type ProducerClient } from './reliable-producer.js';

/** The topic has as many. */
const PARTITIONS = 12;

type ScriptedResponse = Error | readonly number[];

/** A client with scripted responses: an error, or the partitions that the response covers. After the script, it covers all. */
class ScriptedClient implements ProducerClient {
  readonly sent: string[][] = [];
  connected = 0;
  concurrent = 0;
  mostConcurrent = 0;

  constructor(private readonly script: ScriptedResponse[] = []) {}

  async connect(): Promise<void> {
    this.connected += 1;
  }

  async disconnect(): Promise<void> {
    this.connected -= 1;
  }

  async send({ messages }: { messages: OutgoingRecord[] }) {
    this.concurrent += 1;
    this.mostConcurrent = Math.max(this.mostConcurrent, this.concurrent);
    await new Promise<void>((resolve) => void setImmediate(resolve));
    this.concurrent -= 1;
    this.sent.push(messages.map(({ value }) => String(value)));
    const response = this.script.shift() ?? messages.map(({ partition }) => partition);
    if (response instanceof Error) throw response;
    return [...new Set(response)].map((partition) => ({ partition, errorCode: 0, baseOffset: '7' }));
  }
}

function records(...partitions: number[]): OutgoingRecord[] {
  return partitions.map((partition, index) => ({
    partition,
    key: null,
    value: Buffer.from(`${partition}-${index}`),
    headers: {},
  }));
}

const countPartitions = async (): Promise<number> => Promise.resolve(PARTITIONS);

function createProducer(...clients: ScriptedClient[]) {
  const clock = new ManualClock();
  const made = clients.slice();
  const logger = new RecordingLogger();
  const createClient = (): ProducerClient => made.shift() ?? new ScriptedClient();
  return {
    clock,
    producer: new ReliableProducer({ createClient, countPartitions, logger, clock, random: () => 1 }),
    logger,
  };
}

function protocolError(type: string): Error {
  return new Error('retries exceeded', { cause: Object.assign(new Error(type), { type }) });
}

describe('the reliable producer', () => {
  it('resolves with the base offset of each partition', async () => {
    const { producer } = createProducer(new ScriptedClient());
    expect(await producer.send('t', records(0, 1, 0))).toEqual([
      { partition: 0, records: 2, baseOffset: 7 },
      { partition: 1, records: 1, baseOffset: 7 },
    ]);
  });

  it('resends records that a response does not cover, in the same order, before anything else', async () => {
    const client = new ScriptedClient([[0]]);
    const { producer } = createProducer(client);
    const first = producer.send('t', records(0, 1, 1));
    const second = producer.send('t', records(2));
    await Promise.all([first, second]);
    expect(client.sent).toEqual([['0-0', '1-1', '1-2'], ['1-1', '1-2'], ['2-0']]);
  });

  it('sends one batch at a time, however many wait', async () => {
    const client = new ScriptedClient();
    const { producer } = createProducer(client);
    await Promise.all(Array.from({ length: 10 }, () => producer.send('t', records(0))));
    expect(client.mostConcurrent).toBe(1);
  });

  it('retries the identical batch after errors, without limit', async () => {
    const client = new ScriptedClient(Array.from({ length: 30 }, () => new Error('Broker not connected')));
    const { clock, producer } = createProducer(client);
    const sending = producer.send('t', records(0, 1));
    await clock.advance(10 * 60_000);
    await sending;
    expect(new Set(client.sent.map((batch) => batch.join())).size).toBe(1);
    expect(client.sent).toHaveLength(31);
  });

  it('backs off between retries when no partition has a leader', async () => {
    const client = new ScriptedClient(Array.from({ length: 1_000 }, () => []));
    const { clock, producer } = createProducer(client);
    void producer.send('t', records(0)).catch(() => undefined);
    await clock.advance(30_000);
    expect(client.sent.length).toBeLessThan(20);
    const closing = producer.close();
    await clock.advance(10_000);
    await closing;
  });

  it('throws when the topic lacks the partition for ten seconds, says so meanwhile, and continues with the next records', async () => {
    const client = new ScriptedClient(Array.from({ length: 7 }, () => []));
    const { clock, producer, logger } = createProducer(client);
    const sending = producer.send('payments', records(99)).catch((error: unknown) => error);
    const next = producer.send('payments', records(3));
    await clock.advance(20_000);
    const reason = 'partition 99 does not exist: topic payments has 12 partitions, 0 to 11';
    expect(await sending).toMatchObject({ name: 'UnknownPartitionError', code: 'unknown-partition', message: reason });
    expect(logger.matching(/batch not sent/)[0]).toMatchObject({ topic: 'payments', reason });
    expect(await next).toHaveLength(1);
    expect(producer.failure).toBeUndefined();
  });

  it('sends a record for a partition that is added within ten seconds', async () => {
    const { clock, producer } = createProducer(new ScriptedClient([[], [], []]));
    const sending = producer.send('payments', records(12));
    await clock.advance(5_000);
    expect(await sending).toHaveLength(1);
  });

  it.each([
    [{ partition: -1 }, 'record 0: partition must be an integer of at least 0, got -1'],
    [{ partition: 1.5 }, 'record 0: partition must be an integer of at least 0, got 1.5'],
    [{ value: { amount: 1 } }, 'record 0: value must be a Buffer or null, got an object'],
    [{ key: 17 }, 'record 0: key must be a Buffer, a string or null, got 17'],
    [{ headers: undefined }, 'record 0: headers must be an object, got undefined'],
  ])('refuses at once what it could never send: %p', async (wrong, message) => {
    const { producer } = createProducer(new ScriptedClient());
    const [record] = records(0);
    await expect(producer.send('t', [{ ...record, ...wrong } as unknown as OutgoingRecord])).rejects.toThrow(message);
    expect(await producer.send('t', records(0))).toHaveLength(1);
  });

  it('uses a new producer id when its sequence numbers no longer match the broker’s', async () => {
    const outOfSequence = new ScriptedClient([protocolError('OUT_OF_ORDER_SEQUENCE_NUMBER')]);
    const fresh = new ScriptedClient();
    const { clock, producer } = createProducer(outOfSequence, fresh);
    const sending = producer.send('t', records(0));
    await clock.advance(1_000);
    await sending;
    expect([outOfSequence.connected, fresh.connected]).toEqual([0, 1]);
  });

  it('throws when Kafka rejects records for good, and continues with the next ones', async () => {
    const { producer } = createProducer(new ScriptedClient([protocolError('MESSAGE_TOO_LARGE')]));
    await expect(producer.send('t', records(0))).rejects.toThrow(RecordsRejectedError);
    await expect(producer.send('t', records(0))).resolves.toHaveLength(1);
  });

  it('disconnects a connection that opens only after the close', async () => {
    const connecting = Promise.withResolvers<undefined>();
    const client = new ScriptedClient();
    const late = Object.assign(client, {
      connect: async () => {
        await connecting.promise;
        client.connected += 1;
      },
    });
    const { clock, producer } = createProducer(late);
    const sent = producer.send('orders', records(0)).catch((error: unknown) => error);
    const closed = producer.close();
    await clock.advance(2_000);
    await closed;
    connecting.resolve(undefined);
    await clock.advance(10_000);
    expect(await sent).toBeInstanceOf(Error);
    expect(client.connected).toBe(0);
    expect(client.sent).toEqual([]);
  });

  it('rejects a batch that Kafka had not acknowledged before the close', async () => {
    const { clock, producer } = createProducer(
      new ScriptedClient([new Error('unavailable'), new Error('unavailable')]),
    );
    const sending = producer.send('t', records(0)).catch(String);
    await settle();
    const closing = producer.close();
    await clock.advance(5_000);
    await closing;
    expect(await sending).toMatch('closed before Kafka acknowledged');
  });
});
