import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import type { ReliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { OrderCodec } from '#orders/order/order-codec.js';
import { anOrder } from '#orders/testing/an-order.js';
import { RecordedTraces } from '#service/telemetry/testing/recorded-traces.js';
import { setTracing } from '#service/telemetry/tracing.js';
import { OrdersTopic } from './orders-topic.js';
import { IntakeTopic } from '../order-api/batch-sender.js';
import { SendGate } from './send-gate.js';

describe('records on their way to the orders topic', () => {
  let sent: OutgoingRecord[];
  let failure: Error | undefined;
  let traces: RecordedTraces;
  let topic: OrdersTopic;

  const producer = {
    send: async (_topic: string, records: readonly OutgoingRecord[]) => {
      sent.push(...records);
      if (failure !== undefined) throw failure;
      return [];
    },
  } as unknown as ReliableProducer;
  const codec = { encode: () => Buffer.from('an order') } as unknown as OrderCodec;

  beforeEach(() => {
    [sent, failure, traces] = [[], undefined, new RecordedTraces()];
    setTracing(traces);
    topic = new OrdersTopic(() => producer, codec, new SendGate(1));
  });

  afterAll(() => setTracing(undefined));

  function aRecord(traceparent?: string): OutgoingRecord {
    const order = anOrder();
    return topic.encode({ order, index: 0, fault: undefined }, { _id: 'one', ...(traceparent && { traceparent }) });
  }

  it('begin traces that the request of their operation has caused, and carry them', async () => {
    await topic.send([aRecord('a request')]);
    expect(traces.records).toMatchObject([
      { origin: { cause: 'a request', orderId: anOrder().id }, end: 'acknowledged' },
    ]);
    expect(sent[0]?.headers).toMatchObject({ 'operation-id': 'one', traceparent: 'span 1' });
  });

  it('continue the trace in their headers if they were on the topic before', async () => {
    const headers = { traceparent: [Buffer.from('earlier')] };
    await topic.send([{ partition: 0, key: null, value: null, headers }]);
    expect(traces.records).toMatchObject([{ origin: { parent: 'earlier' } }]);
    expect(sent[0]?.headers['traceparent']).toBe('span 1');
  });

  it('begin no trace if their request is not traced', async () => {
    const received = new IntakeTopic(() => producer, codec, new SendGate(1));
    const origin = { operationId: 'one', index: 0, createdAtAssigned: false };
    await received.send([received.encodeReceived(anOrder(), origin)]);
    expect([traces.records, sent[0]?.headers['traceparent']]).toEqual([[], undefined]);
    await received.send([received.encodeReceived(anOrder(), origin, 'a request')]);
    expect(traces.records).toMatchObject([{ origin: { parent: 'a request', orderId: anOrder().id } }]);
  });

  it('end their spans as failed when Kafka does not acknowledge them', async () => {
    failure = new Error('the producer is closed');
    await expect(topic.send([aRecord()])).rejects.toThrow(failure);
    expect(traces.records.map(({ end }) => end)).toEqual(['failed']);
  });

  it('are sent as they are in a process that is not traced', async () => {
    setTracing(undefined);
    const record = aRecord();
    await topic.send([record]);
    expect(sent).toEqual([record]);
    expect(sent[0]?.headers).toEqual({ 'operation-id': 'one', index: '0' });
  });
});
