import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { context, propagation, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { startNodeSdk } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { hrTimeToMilliseconds } from '@opentelemetry/core';
import type { RecordHandler } from '../attempts/record-handler.js';
import { consuming } from '../behaviour/gated-consumer.js';
import { batchHandler } from '../handlers/batch-handler.js';
import { produceHandler, type ProducedRecord } from '../handlers/produce-handler.js';
import type { ParallelConsumerOptions } from '../options.js';
import { OpenTelemetryTracer } from './opentelemetry-tracer.js';
import type { RecordTrace } from '../events/record-tracer.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CARRIED = { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` };

const exporter = new InMemorySpanExporter();
let sdk: ReturnType<typeof startNodeSdk>;

beforeAll(() => {
  process.env['OTEL_METRICS_EXPORTER'] = 'none';
  process.env['OTEL_LOGS_EXPORTER'] = 'none';
  sdk = startNodeSdk({ spanProcessors: [new SimpleSpanProcessor({ exporter })], resourceDetectors: [] });
});

beforeEach(() => exporter.reset());

afterAll(async () => sdk.shutdown());

/** Consumes records with these headers, each with a key of its own unless it is given. */
async function tracing(
  options: Partial<ParallelConsumerOptions>,
  ...records: readonly { readonly key?: string; readonly headers?: Record<string, string> }[]
) {
  const running = await consuming(
    { tracer: new OpenTelemetryTracer({ groupId: 'savers' }), ...options },
    () => undefined,
  );
  for (const [at, { key, headers = {} }] of records.entries()) {
    const encoded = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)] as const);
    running.kafka.append('orders', 0, key ?? `key-${at}`, `value-${at}`, { headers: Object.fromEntries(encoded) });
  }
  await running.broker.fetch();
  await settle();
  return running;
}

async function saveAll(items: readonly unknown[]): Promise<undefined[]> {
  return items.map(() => undefined);
}

function spans(name?: string): readonly ReadableSpan[] {
  return exporter.getFinishedSpans().filter((span) => name === undefined || span.name === name);
}

function only(name: string): ReadableSpan {
  const [span, second] = spans(name);
  if (span === undefined || second !== undefined)
    throw new Error(
      `not one span ${name}: ${spans()
        .map((each) => each.name)
        .join()}`,
    );
  return span;
}

function eventsOf({ events }: ReadableSpan): string[] {
  return events.map(({ name }) => name);
}

describe('the trace of a record', () => {
  it('continues that of its headers, from the fetch to the end, with a span for each attempt', async () => {
    const { gate, clock } = await tracing({ retryBackOff: { initialMs: 100, maxMs: 100 } }, { headers: CARRIED });
    await gate.fail('value-0', new RangeError('no quantity'));
    await clock.advance(100);
    await gate.end('value-0');
    const process = only('process orders');
    expect(process.parentSpanContext).toMatchObject({ traceId: TRACE_ID, spanId: 'b7ad6b7169203331' });
    expect(process.attributes).toMatchObject({
      'messaging.system': 'kafka',
      'messaging.destination.partition.id': '0',
      'messaging.kafka.offset': 0,
      'messaging.kafka.message.key': 'key-0',
      'messaging.consumer.group.name': 'savers',
      'parallel_consumer.end': 'handled',
    });
    expect(eventsOf(process)).toEqual(['taken', 'retry scheduled']);
    const times = [process.startTime, process.endTime, ...process.events.map(({ time }) => time)].flat();
    expect(times.every(Number.isInteger)).toBe(true);
    const { spanId } = process.spanContext();
    const attempts = [only('attempt 1'), only('attempt 2')];
    expect(attempts.map((each) => each.parentSpanContext?.spanId)).toEqual([spanId, spanId]);
    expect(attempts.map(({ attributes }) => attributes)).toEqual([
      { 'parallel_consumer.outcome': 'retriable', 'error.type': 'RangeError' },
      { 'parallel_consumer.outcome': 'done' },
    ]);
  });

  it('shows the wait for an earlier record of its key', async () => {
    const { gate } = await tracing({}, { key: 'one', headers: CARRIED }, { key: 'one', headers: CARRIED });
    await gate.end('value-0');
    await gate.end('value-1');
    expect(spans('process orders').map(eventsOf)).toEqual([['taken'], ['taken', 'key free']]);
  });

  it('ends as failed when the record is dead-lettered, whose dead letter continues it', async () => {
    const { gate, letters, log } = await tracing({ classify: () => 'poison' }, { headers: CARRIED });
    await gate.fail('value-0', new RangeError('no quantity'));
    const process = only('process orders');
    expect(eventsOf(process)).toEqual(['taken', 'dead-lettered']);
    expect(process.attributes).toMatchObject({ 'error.type': 'RangeError', 'parallel_consumer.end': 'dead-lettered' });
    expect(letters()[0]?.headers).toMatchObject(CARRIED);
    expect(log.matching(/record dead-lettered/)).toMatchObject([{ trace_id: TRACE_ID }]);
  });

  it('ends when the partition goes to another member, which begins a span of its own', async () => {
    const { gate, consumer } = await tracing({ drainTimeoutMs: 0 }, { headers: CARRIED }, { headers: CARRIED });
    await gate.end('value-0');
    await consumer.stop();
    await gate.fail('value-1', new Error('aborted'));
    expect(spans('process orders').map(({ attributes }) => attributes['parallel_consumer.end'])).toEqual([
      'handled',
      'handed-over',
    ]);
  });

  it('ends at a rebalance that moves its partition, which has a span of its own', async () => {
    const { gate, broker } = await tracing({ drainTimeoutMs: 0 }, { headers: CARRIED });
    await broker.group.rebalance([[1]]);
    await gate.fail('value-0', new Error('aborted'));
    expect(only('rebalance').attributes).toMatchObject({
      'parallel_consumer.handedOver': 1,
      'parallel_consumer.lost': 0,
    });
    expect(eventsOf(only('process orders'))).toEqual(['taken', 'handed over']);
  });

  it('knows the times of its spans, of the attempts that of the latest one', async () => {
    const starts: (number | undefined)[] = [];
    let own: RecordTrace | undefined;
    const handler: RecordHandler = async (_, attempt) => {
      own = attempt.trace;
      starts.push(own?.startedAt);
      if (attempt.number === 1) throw new RangeError('no quantity');
    };
    const { clock } = await tracing({ handler, retryBackOff: { initialMs: 100, maxMs: 100 } }, { headers: CARRIED });
    await clock.advance(100);
    await settle();
    const process = only('process orders');
    // By the manual clock.
    expect(own?.fetchedAt).toBe(0);
    expect(own?.takenAt).toBeCloseTo(hrTimeToMilliseconds(process.events[0]?.time ?? [0, 0]), 3);
    const attempts = [only('attempt 1'), only('attempt 2')];
    for (const [at, { startTime }] of attempts.entries())
      expect(starts[at]).toBeCloseTo(hrTimeToMilliseconds(startTime), 3);
  });

  it('is the active one in the handler', async () => {
    const active: (Span | undefined)[] = [];
    await tracing({ handler: async () => void active.push(trace.getActiveSpan()) }, { headers: CARRIED });
    expect(active.map((span) => span?.spanContext())).toEqual([only('attempt 1').spanContext()]);
  });

  it.each([
    ['no context', {}],
    ['a malformed one', { traceparent: '00-zero-01' }],
    ['one of zeros', { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01` }],
    ['8 kB of baggage only', { baggage: `key=${'x'.repeat(8_192)}` }],
  ])('begins with a record that carries %s, unless that is turned off', async (_, headers) => {
    const { gate } = await tracing({}, { headers });
    await gate.end('value-0');
    expect(only('process orders').parentSpanContext).toBeUndefined();
    exporter.reset();
    const untraced = await tracing({ tracer: new OpenTelemetryTracer({ beginsTraces: false }) }, { headers });
    await untraced.gate.end('value-0');
    expect(spans()).toEqual([]);
  });

  it('does not go on in a record that is not traced, and starts when it ends', async () => {
    const active: (string | undefined)[] = [];
    const handler: RecordHandler = async () => {
      active.push(trace.getActiveSpan()?.spanContext().traceId);
      await Promise.resolve();
    };
    const tracer = new OpenTelemetryTracer({ beginsTraces: false });
    await tracing({ handler, tracer, inFlight: 1 }, { headers: CARRIED }, {}, {});
    await settle();
    expect(active).toEqual([TRACE_ID, undefined, undefined]);
  });

  it('ends at a revocation, also if the handler succeeds later', async () => {
    const { gate, consumer } = await tracing({ drainTimeoutMs: 0 }, { headers: CARRIED });
    await consumer.stop();
    expect(only('process orders').attributes['parallel_consumer.end']).toBe('handed-over');
    await gate.end('value-0');
    expect(spans()).toHaveLength(2);
  });

  it('ends at a revocation whose dead letter could not be published', async () => {
    const { gate, broker, clock } = await tracing(
      { drainTimeoutMs: 0, classify: () => 'poison' },
      { headers: CARRIED },
    );
    broker.failing.publish = new Error('no leader');
    await gate.fail('value-0', new RangeError('no quantity'));
    await broker.group.rebalance([[1]]);
    await clock.advance(60_000);
    expect(only('process orders').attributes['parallel_consumer.end']).toBe('handed-over');
  });

  it('ends when its record stops the consumer', async () => {
    const { gate } = await tracing({ onDeadLetter: 'stop', classify: () => 'poison' }, { headers: CARRIED });
    await gate.fail('value-0', new RangeError('no quantity'));
    expect(only('process orders').attributes).toMatchObject({
      'parallel_consumer.end': 'handed-over',
      'error.type': 'RangeError',
    });
  });

  it('holds no large key, and no large state of a trace', async () => {
    const headers = { ...CARRIED, tracestate: `a=${'x'.repeat(600)}` };
    const { gate } = await tracing({}, { key: 'k'.repeat(5_000), headers });
    await gate.end('value-0');
    const span = only('process orders');
    expect(String(span.attributes['messaging.kafka.message.key'])).toHaveLength(512);
    expect([span.parentSpanContext?.traceId, span.spanContext().traceState]).toEqual([TRACE_ID, undefined]);
  });

  it('of an unsampled context is not recorded', async () => {
    const { gate } = await tracing({}, { headers: { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-00` } });
    await gate.end('value-0');
    expect(spans()).toEqual([]);
  });
});

describe('the trace of a batch', () => {
  it('is a child of its first traced record, linked to those of the others', async () => {
    const clock = new ManualClock();
    const handler = batchHandler({ handle: saveAll, maxBatchSize: 3, maxBatchWaitMs: 0, clock });
    await tracing({ handler }, { headers: CARRIED }, { headers: CARRIED }, {});
    await clock.advance(1);
    await settle();
    const batch = only('process batch');
    const [first, second, third] = spans('attempt 1');
    expect(batch.attributes).toEqual({
      'messaging.system': 'kafka',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.batch.message_count': 3,
    });
    expect(batch.parentSpanContext?.spanId).toBe(first?.spanContext().spanId);
    expect(batch.links.map(({ context: { spanId } }) => spanId)).toEqual(
      [second, third].map((span) => span?.spanContext().spanId),
    );
    expect(second?.links[0]?.context.spanId).toBe(batch.spanContext().spanId);
  });

  it('does not go on in a batch without a traced record', async () => {
    const clock = new ManualClock();
    const active: (string | undefined)[] = [];
    const handle = async (items: readonly unknown[]): Promise<undefined[]> => {
      active.push(trace.getActiveSpan()?.spanContext().traceId);
      return saveAll(items);
    };
    const handler = batchHandler({ handle, maxBatchSize: 1, maxBatches: 1, maxBatchWaitMs: 0, clock });
    const tracer = new OpenTelemetryTracer({ beginsTraces: false });
    await tracing({ handler, tracer }, { headers: CARRIED }, {}, {});
    await clock.advance(1);
    await settle();
    expect(active).toEqual([TRACE_ID, undefined, undefined]);
  });
});

describe('records that are sent', () => {
  const record = { partition: 0, key: null, value: null, headers: {} };
  const withHeaders = (headers: Record<string, string>) => ({ ...record, headers });
  const tracer = new OpenTelemetryTracer();

  it('carry the context of the record that they were produced for', async () => {
    const clock = new ManualClock();
    const sent: ProducedRecord[] = [];
    const producer = {
      send: async (_topic: string, records: readonly unknown[]) => void sent.push(...(records as ProducedRecord[])),
    };
    const baggage = `tenant=${'x'.repeat(4_000)}`;
    const outputs = [
      { ...record, topic: 'out' },
      { ...record, topic: 'out', headers: { traceparent: 'own' } },
    ];
    const handler = produceHandler({ producer, handle: async () => outputs, maxBatchWaitMs: 0, clock });
    await tracing({ handler }, { headers: { ...CARRIED, baggage } });
    await clock.advance(1);
    expect(sent[0]?.headers['baggage']).toBe(baggage);
    const { spanId } = only('attempt 1').spanContext();
    expect(sent.map(({ headers }) => headers['traceparent'])).toEqual([`00-${TRACE_ID}-${spanId}-01`, 'own']);
  });

  it('get the context of their batch within an active span, and none outside', () => {
    const outside = tracer.sending('orders', [record]);
    outside?.ended();
    expect(outside?.records).toEqual([record]);
    const active = propagation.extract(ROOT_CONTEXT, CARRIED);
    const sending = context.with(active, () => tracer.sending('orders', [record, record]));
    sending?.ended(new RangeError('no such partition'));
    const [, span] = spans('send orders');
    expect(span?.attributes).toMatchObject({ 'messaging.batch.message_count': 2, 'error.type': 'RangeError' });
    const traceparent = `00-${TRACE_ID}-${span?.spanContext().spanId}-01`;
    expect(sending?.records.map(({ headers }) => headers)).toEqual([{ traceparent }, { traceparent }]);
  });

  it('keep their own contexts, which the batch links to', () => {
    const other = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` };
    const unsampled = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b8-00` };
    // Within an active span, too, one that upstream did not sample keeps its context.
    const notSampled = [withHeaders(unsampled)];
    const inSpan = context.with(propagation.extract(ROOT_CONTEXT, CARRIED), () => tracer.sending('orders', notSampled));
    inSpan?.ended();
    expect(inSpan?.records).toEqual(notSampled);
    exporter.reset();
    const records = [CARRIED, other, unsampled, {}].map(withHeaders);
    const sending = tracer.sending('orders', records);
    sending?.ended();
    expect(sending?.records).toEqual(records);
    const { parentSpanContext, links } = only('send orders');
    expect(parentSpanContext?.spanId).toBe('b7ad6b7169203331');
    expect(links.map(({ context: { spanId } }) => spanId)).toEqual(['00f067aa0ba902b7']);
  });
});
