import { Injectable } from '@nestjs/common';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import type { Acknowledgement, ReliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Fault } from '#orders/generator/fault-mix.js';
import type { PlannedRecord } from '#orders/operation/order-source.js';
import { originHeaders } from '#orders/operation/record-headers.js';
import type { SegmentedDocument } from '#orders/operation/operation.js';
import type { OrderCodec } from '#orders/order/order-codec.js';
import type { Order } from '#orders/order/order.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { type RecordOrigin, type RecordSpan, type Tracing, tracing } from '#service/telemetry/tracing.js';
import type { GatedConnection, SendGate } from './send-gate.js';

/** Receives counts of sent and acknowledged records, synchronously, for metrics. */
interface TopicObserver {
  /** Records were passed to the Kafka client. */
  sent?(records: number): void;
  /** All in-sync replicas have the records. @param milliseconds since they were sent */
  acknowledged?(records: number, milliseconds: number): void;
}

/** An operation, and the trace context of its request. */
type TracedOperation = Pick<SegmentedDocument, '_id' | 'traceparent'>;

/** A record of a process that is traced, and what caused it. A property: a WeakMap of thousands of records burdens each garbage collection. */
interface TracedRecord extends OutgoingRecord {
  /** `null`: its request is not traced, so the record begins no trace either. */
  readonly origin?: RecordOrigin | null;
}

/** A record that was on the topic before continues its trace. */
function originOf({ headers: { traceparent } }: OutgoingRecord): RecordOrigin {
  const [parent] = [traceparent].flat();
  return { parent: parent?.toString() };
}

/** Encodes orders as records and sends them to the orders topic. */
@Injectable()
export class OrdersTopic implements GatedConnection {
  private producer: ReliableProducer;

  /** @param gate all records must be made and sent within work that it lets pass */
  constructor(
    private readonly createProducer: () => ReliableProducer,
    readonly codec: OrderCodec,
    readonly gate: SendGate,
    readonly observer: TopicObserver = {},
  ) {
    this.producer = createProducer();
  }

  /** Encodes an order and its origin as a record. */
  encode({ order, index, fault }: PlannedRecord, { _id: operationId, traceparent }: TracedOperation): OutgoingRecord {
    const record = {
      // Chosen here, so that no retry can choose another one.
      partition: this.gate.partitionOf(order.accountId),
      key: order.accountId,
      value: fault === undefined ? this.codec.encode(order) : faultyValue(fault, index, order, this.codec),
      headers: originHeaders(fault === undefined ? { operationId, index } : { operationId, index, fault }),
    };
    return this.traced(record, order, { cause: traceparent });
  }

  /** Notes what caused a record, if this process is traced: the span that begins when it is sent continues it. */
  protected traced(record: OutgoingRecord, { id: orderId }: Order, origin: RecordOrigin | null): TracedRecord {
    if (tracing() === undefined) return record;
    return { ...record, origin: origin === null ? null : { ...origin, orderId } };
  }

  /** Resolves once every record is on all in-sync replicas. */
  async send(records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    const sentAt = performance.now();
    this.observer.sent?.(records.length);
    const acknowledged = await this.sendTraced(records, tracing());
    this.observer.acknowledged?.(records.length, performance.now() - sentAt);
    return acknowledged;
  }

  /** Sends each record of the sampler's choice within a span of its own, which ends with the acknowledgement. */
  private async sendTraced(
    records: readonly OutgoingRecord[],
    traces: Tracing | undefined,
  ): Promise<Acknowledgement[]> {
    if (traces === undefined) return this.producer.send(ORDERS_TOPIC, records);
    const spans: RecordSpan[] = [];
    const sent = records.map((record: TracedRecord) => {
      const origin = record.origin === undefined ? originOf(record) : record.origin;
      const span = origin === null ? undefined : traces.beginRecord(ORDERS_TOPIC, origin);
      if (span === undefined) return record;
      spans.push(span);
      return { ...record, headers: { ...record.headers, ...span.headers } };
    });
    try {
      const acknowledged = await this.producer.send(ORDERS_TOPIC, sent);
      for (const span of spans) span.end();
      return acknowledged;
    } catch (error) {
      for (const span of spans) span.end(error);
      throw error;
    }
  }

  async reconnect(): Promise<void> {
    const closed = this.producer;
    this.producer = this.createProducer();
    await closed.close();
  }

  /** Closes the producer. Abandons records that Kafka does not acknowledge within two seconds. */
  async close(): Promise<void> {
    await this.producer.close();
  }
}

/** Creates the metrics of the orders topic, in records: one per order, plus the records that injected faults add. */
export function measureTopic(registry: Registry): TopicObserver {
  const registers = [registry];
  const sent = new Counter({
    name: 'producer_records_sent_total',
    help: 'Records sent to Kafka; those not acknowledged yet are in flight or were abandoned',
    registers,
  });
  const acknowledged = new Counter({
    name: 'producer_records_acknowledged_total',
    help: 'Records that Kafka acknowledged with acks=all',
    registers,
  });
  const durations = new Histogram({
    name: 'producer_acknowledge_duration_seconds',
    help: 'Time until Kafka acknowledged a batch, including retries',
    buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  return {
    sent: (records) => sent.inc(records),
    acknowledged: (records, milliseconds) => {
      acknowledged.inc(records);
      durations.observe(milliseconds / 1_000);
    },
  };
}

/** Above the consumers' default limit of 16 KiB, and far below the broker's limit. */
const OVERSIZED_BYTES = 24 * 1024;
const CUT_OFF_BYTES = 8;

/** Returns the value of a deliberately faulty record. It is a pure function of the order and its index. */
export function faultyValue(
  fault: Fault,
  index: number,
  order: Order,
  codec: Pick<OrderCodec, 'encode'>,
): Buffer | null {
  switch (fault) {
    case 'poison':
      return poison(index, order, codec);
    case 'oversized':
      return codec.encode({ ...order, legacy: { number: 0, filled: ['x'.repeat(OVERSIZED_BYTES)] } });
    case 'duplicate':
      return codec.encode(order);
    case 'conflict':
      return codec.encode(withOtherContent(order));
  }
}

/** Rotates through three kinds of undecodable value: null, no wire format, a truncated body. */
function poison(index: number, order: Order, codec: Pick<OrderCodec, 'encode'>): Buffer | null {
  const whole = codec.encode(order);
  return (
    [null, Buffer.from(`not an order: ${index}`), whole.subarray(0, whole.length - CUT_OFF_BYTES)][index % 3] ?? null
  );
}

/** Returns a valid order with the same id and another quantity. */
function withOtherContent(order: Order): Order {
  const quantity = order.quantity === 1 ? 2 : order.quantity - 1;
  return { ...order, quantity, amount: BigInt(quantity) * order.price };
}
