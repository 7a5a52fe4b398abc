import {
  type Attributes,
  type Context,
  context,
  type HrTime,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapSetter,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import { errorDetails } from '../failures/failure.js';
import type { ConsumedRecord, OutgoingRecord } from '../records/record.js';
import type { DrainReport } from '../events/drain-report.js';
import type {
  RecordTrace,
  RecordTracer,
  SendTrace,
  SendTracer,
  TracedEnd,
  TracedOutcome,
} from '../events/record-tracer.js';

/** How records are traced. */
export interface OpenTelemetryTracerOptions {
  /** Creates the spans. Default: the tracer `@orders-pipeline/parallel-consumer` of the global provider. */
  readonly tracer?: Tracer;
  /** Consumer group, for the attribute `messaging.consumer.group.name`. Default: no attribute. */
  readonly groupId?: string;
  /** Whether a record that carries no trace context begins a trace, if the sampler takes it. Default true. */
  readonly beginsTraces?: boolean;
}

/** SDKs keep no more links of a span by default. */
const MAX_LINKS = 128;
/** Spans that wait for the collector must not hold a large key, message or `tracestate`. In characters, of a key in bytes. */
const MAX_TEXT = 512;

type Headers = Readonly<Record<string, unknown>>;

const fromHeaders: TextMapGetter<Headers> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, name) => {
    const [value] = [headers[name]].flat();
    if (typeof value !== 'string' && !Buffer.isBuffer(value)) return undefined;
    return name === 'tracestate' && value.length > MAX_TEXT ? undefined : value.toString();
  },
};

const toHeaders: TextMapSetter<Record<string, string>> = {
  set: (headers, name, value) => {
    headers[name] = value;
  },
};

/**
 * Traces records and batches with OpenTelemetry: `tracer` of the consumer and of `ReliableProducer`. The process needs an SDK that exports the
 * spans; without one, nothing is recorded.
 *
 * - `process TOPIC`: a record, from the arrival of its fetch until its offset may be committed. Its parent is the context in the record's headers.
 *   Events: `taken`, `key free` (no earlier record of its key is open), `retry scheduled`, `dead-lettered`, `handed over`.
 * - `attempt N`: each attempt. The handler runs in its context.
 * - `process batch`: each call of the `handle` of `batchHandler` that has a traced record. It is a child of the first one's attempt; those of the
 *   others link to it.
 * - `send TOPIC`: each batch of a `ReliableProducer`, until it is acknowledged. Records without a context get that of the batch, if there is an
 *   active span, and if no record of the batch has a context.
 * - `rebalance`: each rebalance.
 *
 * Names and attributes follow the OpenTelemetry semantic conventions for messaging 1.38.0, which are in development.
 * Not guaranteed: more than 128 links of a batch; the spans of a process that is killed.
 */
export class OpenTelemetryTracer implements RecordTracer, SendTracer {
  private readonly tracer: Tracer;
  private readonly beginsTraces: boolean;
  private readonly group: Attributes;
  /** Headers of a trace context, by the propagator that was registered first. */
  private fields: readonly string[] | undefined;

  constructor({ tracer, groupId, beginsTraces = true }: OpenTelemetryTracerOptions = {}) {
    this.tracer = tracer ?? trace.getTracer('@orders-pipeline/parallel-consumer');
    this.beginsTraces = beginsTraces;
    this.group = groupId === undefined ? {} : { 'messaging.consumer.group.name': groupId };
  }

  taken(record: ConsumedRecord, arrivedAt: number): RecordTrace | undefined {
    const parent = this.contextOf(record);
    if (parent === undefined && !this.beginsTraces) return undefined;
    const { topic, partition, offset } = record;
    const options = { kind: SpanKind.CONSUMER, startTime: arrivedAt };
    const span = this.tracer.startSpan(`process ${topic}`, options, parent ?? ROOT_CONTEXT);
    if (!span.isRecording()) return undefined;
    const key = record.key?.subarray(0, MAX_TEXT).toString();
    span.setAttributes({
      ...describe('process', 'process', topic),
      ...this.group,
      'messaging.destination.partition.id': String(partition),
      'messaging.kafka.offset': offset,
      ...(key !== undefined && { 'messaging.kafka.message.key': key }),
    });
    const takenAt = nowMs();
    span.addEvent('taken', toTime(takenAt));
    return new SpansOfRecord(this.tracer, span, parent ?? ROOT_CONTEXT, arrivedAt, takenAt);
  }

  rebalanced(report: DrainReport, milliseconds: number): void {
    const span = this.tracer.startSpan('rebalance', { root: true, startTime: toTime(nowMs() - milliseconds) });
    span.setAttributes({ ...this.group, ...Object.fromEntries(Object.entries(report).map(inNamespace)) });
    span.end(now());
  }

  sending(topic: string, records: readonly OutgoingRecord[]): SendTrace | undefined {
    const contexts: Context[] = [];
    let haveContexts = false;
    for (const { headers } of records) {
      if (!hasContext(headers)) continue;
      haveContexts = true;
      const own = sampledContext(headers);
      if (own !== undefined && contexts.push(own) > MAX_LINKS) break;
    }
    const active = context.active();
    const isCreator = !haveContexts && trace.getSpan(active) !== undefined;
    const parent = contexts[0] ?? active;
    const kind = isCreator ? SpanKind.PRODUCER : SpanKind.CLIENT;
    const links = contexts.slice(1).map(toLink);
    const span = this.tracer.startSpan(`send ${topic}`, { kind, links, startTime: now() }, parent);
    if (!span.isRecording()) return undefined;
    span.setAttributes({ ...describe('send', 'send', topic), 'messaging.batch.message_count': records.length });
    const carried = trace.setSpan(parent, span);
    return {
      records: isCreator ? records.map((record) => withContext(record, carried)) : records,
      ended: (error) => end(span, error),
    };
  }

  /** @returns undefined for a record that carries no valid trace context */
  private contextOf(record: ConsumedRecord): Context | undefined {
    this.fields ??= propagation.fields();
    for (const field of this.fields) {
      if (!(record.hasHeader?.(field) ?? field in record.headers)) continue;
      const carried = propagation.extract(ROOT_CONTEXT, record.headers, fromHeaders);
      return trace.getSpan(carried) === undefined ? undefined : carried;
    }
    return undefined;
  }
}

/** The spans of one record. */
class SpansOfRecord implements RecordTrace {
  startedAt: number | undefined;
  private attempt: Span | undefined;

  constructor(
    private readonly tracer: Tracer,
    private readonly span: Span,
    private readonly parent: Context,
    readonly fetchedAt: number,
    readonly takenAt: number,
  ) {}

  get logFields(): Readonly<Record<string, string>> {
    const { traceId, spanId } = this.current.spanContext();
    return { trace_id: traceId, span_id: spanId };
  }

  keyFree(): void {
    this.span.addEvent('key free', now());
  }

  attemptStarted(number: number): void {
    const within = trace.setSpan(this.parent, this.span);
    this.startedAt = nowMs();
    this.attempt = this.tracer.startSpan(`attempt ${number}`, { startTime: toTime(this.startedAt) }, within);
  }

  run(start: () => void): void {
    context.with(this.context, start);
  }

  async runBatch<T>(size: number, others: readonly RecordTrace[], handle: () => Promise<T>): Promise<T> {
    const attempts = others.flatMap((each) => (each instanceof SpansOfRecord ? each.current : []));
    const links = attempts.slice(0, MAX_LINKS).map((span) => ({ context: span.spanContext() }));
    const span = this.tracer.startSpan('process batch', { links, startTime: now() }, this.context);
    span.setAttributes({ ...describe('process', 'process'), 'messaging.batch.message_count': size });
    for (const each of attempts) each.addLink({ context: span.spanContext() });
    for (const each of [this.current, ...attempts]) each.addEvent('batch started', now());
    try {
      const results = await context.with(trace.setSpan(this.parent, span), handle);
      end(span);
      return results;
    } catch (error) {
      end(span, error);
      throw error;
    }
  }

  inject<T extends OutgoingRecord>(record: T): T {
    return hasContext(record.headers) ? record : withContext(record, this.context);
  }

  attemptEnded(outcome: TracedOutcome, error?: unknown): void {
    if (this.attempt === undefined) return;
    this.attempt.setAttribute('parallel_consumer.outcome', outcome);
    end(this.attempt, error);
    this.attempt = undefined;
  }

  retryScheduled(waitMs: number): void {
    this.span.addEvent('retry scheduled', { 'parallel_consumer.wait_ms': waitMs }, now());
  }

  ended(how: TracedEnd, error?: unknown): void {
    // The handler of a revoked partition may go on.
    this.attempt?.end(now());
    if (how !== 'handled') this.span.addEvent(how === 'handed-over' ? 'handed over' : how, now());
    this.span.setAttribute('parallel_consumer.end', how);
    end(this.span, error);
  }

  private get current(): Span {
    return this.attempt ?? this.span;
  }

  private get context(): Context {
    return trace.setSpan(this.parent, this.current);
  }
}

/** Milliseconds since 1970 by the monotonic clock, as the engine counts them: a changed wall clock must not reverse a span. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Exporters refuse fractions of a nanosecond. @param ms milliseconds since 1970 */
function toTime(ms: number): HrTime {
  const seconds = Math.trunc(ms / 1_000);
  return [seconds, Math.trunc((ms - 1_000 * seconds) * 1_000_000)];
}

function now(): HrTime {
  return toTime(nowMs());
}

function end(span: Span, error?: unknown): void {
  if (error !== undefined) {
    const { code, reason } = errorDetails(error);
    span.setAttribute('error.type', code);
    span.setStatus({ code: SpanStatusCode.ERROR, message: reason.slice(0, MAX_TEXT) });
  }
  span.end(now());
}

/** A batch may have records of several topics. */
function describe(name: string, type: string, topic?: string): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': name,
    'messaging.operation.type': type,
    ...(topic !== undefined && { 'messaging.destination.name': topic }),
  };
}

function inNamespace([name, value]: readonly [string, number]): [string, number] {
  return [`parallel_consumer.${name}`, value];
}

function hasContext(headers: Headers): boolean {
  return 'traceparent' in headers;
}

function sampledContext(headers: Headers): Context | undefined {
  const carried = propagation.extract(ROOT_CONTEXT, headers, fromHeaders);
  const flags = trace.getSpanContext(carried)?.traceFlags ?? TraceFlags.NONE;
  return (flags & TraceFlags.SAMPLED) === 0 ? undefined : carried;
}

function toLink(carried: Context): Link {
  // Contexts without a span were left out.
  return { context: trace.getSpanContext(carried) ?? { traceId: '', spanId: '', traceFlags: 0 } };
}

function withContext<T extends OutgoingRecord>(record: T, carried: Context): T {
  const headers: Record<string, string> = {};
  propagation.inject(carried, headers, toHeaders);
  return { ...record, headers: { ...record.headers, ...headers } };
}
