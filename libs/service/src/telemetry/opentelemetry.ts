import { createRequire } from 'node:module';
import {
  context,
  diag,
  type Context,
  DiagLogLevel,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { MongoDBInstrumentation } from '@opentelemetry/instrumentation-mongodb';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { AggregationType, DataPointType, MetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { type Clock, succeededWithin } from '@orders-pipeline/clock';
import type { RecordTracer } from '@orders-pipeline/parallel-consumer';
import { OpenTelemetryTracer } from '@orders-pipeline/parallel-consumer/opentelemetry';
import { timeLimit } from '#orders/time-limit.js';
import { isAdminPath } from '../http/connections.js';
import type { RecordOrigin, RecordSpan, Tracing } from './tracing.js';

/** What traces need besides the environment. */
interface TracingParts {
  /** The name of the service, if `OTEL_SERVICE_NAME` is not set. */
  readonly service: string;
  readonly log: Pick<Logger, 'warn'>;
  /** Whether the log has a warning already, which says why spans are not exported. */
  readonly isWarned: boolean;
  readonly registry: Registry;
  readonly clock: Clock;
}

const STOP_LIMIT_MS = timeLimit(5_000);
/** A collector that is away fails every export. */
const WARN_EVERY_MS = 10 * 60_000;
const PROCESSED = 'otel.sdk.processor.span.processed';

/** Starts the SDK, which reads the standard variables, and instruments the modules that are loaded from now on. */
export function startOpenTelemetry({ service, log, isWarned, registry, clock }: TracingParts): Tracing {
  const { env } = process;
  env['OTEL_SERVICE_NAME'] ||= `orders-${service}`;
  env['OTEL_NODE_EXPERIMENTAL_SDK_METRICS'] = 'true';
  env['OTEL_LOGS_EXPORTER'] ||= 'none';
  logDiagnostics(log, isWarned, clock);
  const counts = new SpanCounts();
  const sdk = new NodeSDK({
    metricReaders: [counts],
    // Metrics are those of Prometheus. Of these, only the count of exported and dropped spans is used.
    views: [
      { meterName: '@opentelemetry/instrumentation-*', aggregation: { type: AggregationType.DROP } },
      { instrumentName: 'otel.sdk.span.*', aggregation: { type: AggregationType.DROP } },
    ],
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: ({ url }) => isAdminPath(url ?? ''),
        requireParentforOutgoingSpans: true,
      }),
      new UndiciInstrumentation({ requireParentforSpans: true }),
      // By default it serializes each command, of thousands of orders.
      new MongoDBInstrumentation({ dbStatementSerializer: () => '' }),
    ],
  });
  sdk.start();
  // An instrumentation patches a module when it is required, which an import of ES modules does not do for those of Node.js.
  const require = createRequire(import.meta.url);
  for (const name of ['node:http', 'mongodb']) require(name);
  counts.expose(registry);
  return new OpenTelemetry(sdk, clock);
}

/** Traces of this process over the global tracer of OpenTelemetry's API. */
class OpenTelemetry implements Tracing {
  readonly batches = new OpenTelemetryTracer();
  private readonly tracer = trace.getTracer('orders-pipeline');

  constructor(
    private readonly sdk: NodeSDK,
    private readonly clock: Clock,
  ) {}

  recordsOf(groupId: string): RecordTracer {
    return new OpenTelemetryTracer({ groupId, beginsTraces: false });
  }

  beginRecord(topic: string, { parent, cause, attributes }: RecordOrigin): RecordSpan | undefined {
    const links = cause === undefined ? [] : toLinks(carriedBy(cause));
    const within = parent === undefined ? ROOT_CONTEXT : carriedBy(parent);
    const span = this.tracer.startSpan(`publish ${topic}`, { kind: SpanKind.PRODUCER, links }, within);
    if (!span.isRecording()) return undefined;
    span.setAttributes({
      'messaging.system': 'kafka',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': topic,
      ...attributes,
    });
    return {
      headers: headersOf(trace.setSpan(within, span)),
      end: (error) => {
        if (error instanceof Error) span.recordException(error);
        span.end();
      },
    };
  }

  activeContext(): string | undefined {
    const flags = trace.getActiveSpan()?.spanContext().traceFlags ?? TraceFlags.NONE;
    return (flags & TraceFlags.SAMPLED) === 0 ? undefined : headersOf(context.active())['traceparent'];
  }

  within<T>(carried: string | undefined, run: () => T): T {
    return context.with(carried === undefined ? ROOT_CONTEXT : carriedBy(carried), run);
  }

  logFields(): Readonly<Record<string, string>> {
    const span = trace.getActiveSpan()?.spanContext();
    return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
  }

  nameRoutes(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, _reply, done) => {
      const metadata = getRPCMetadata(context.active());
      if (metadata !== undefined && request.routeOptions.url !== undefined) metadata.route = request.routeOptions.url;
      done();
    });
  }

  async stop(): Promise<void> {
    // A collector that is away must not delay the exit.
    await succeededWithin(this.clock, STOP_LIMIT_MS, this.sdk.shutdown()).catch(() => false);
  }
}

function carriedBy(traceparent: string): Context {
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}

function headersOf(carried: Context): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(carried, headers);
  return headers;
}

function toLinks(carried: Context) {
  const span = trace.getSpanContext(carried);
  return span === undefined ? [] : [{ context: span }];
}

function ignore(): void {
  // Only warnings and errors are of use.
}

/** Returns the message of an error, which the SDK reports as JSON with its stack. */
function reasonIn(text: string): string {
  return /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
}

/** Logs what the SDK reports as warnings, one in ten minutes: when the collector is away, each export fails. */
function logDiagnostics(log: Pick<Logger, 'warn'>, isWarned: boolean, clock: Clock): void {
  let silentUntil = isWarned ? clock.now() + WARN_EVERY_MS : 0;
  let others = 0;
  const warn = (message: string): void => {
    others += 1;
    if (clock.now() < silentUntil) return;
    log.warn(
      { reason: reasonIn(message), others: others - 1 },
      'traces: spans were not exported, check the collector and the OTEL_ settings',
    );
    others = 0;
    silentUntil = clock.now() + WARN_EVERY_MS;
  };
  diag.setLogger({ error: warn, warn, info: ignore, debug: ignore, verbose: ignore }, { logLevel: DiagLogLevel.WARN });
}

/** Reads the SDK's count of spans whenever Prometheus asks. */
export class SpanCounts extends MetricReader {
  expose(registry: Registry): void {
    const counter: Counter = new Counter({
      name: 'traces_spans_total',
      help: 'Spans of this process since its start, by result: exported, or dropped since the collector was away or too slow',
      labelNames: ['result'],
      registers: [registry],
      collect: async () => {
        const counts = Object.entries(await this.count());
        counter.reset();
        for (const [result, count] of counts) counter.inc({ result }, count);
      },
    });
  }

  async count(): Promise<{ readonly exported: number; readonly dropped: number }> {
    const counts = { exported: 0, dropped: 0 };
    const { resourceMetrics } = await this.collect();
    for (const { metrics } of resourceMetrics.scopeMetrics)
      for (const metric of metrics)
        if (metric.descriptor.name === PROCESSED && metric.dataPointType === DataPointType.SUM)
          for (const { value, attributes } of metric.dataPoints)
            counts['error.type' in attributes ? 'dropped' : 'exported'] += value;
    return counts;
  }

  protected override async onShutdown(): Promise<void> {
    // It has nothing to close.
  }

  protected override async onForceFlush(): Promise<void> {
    // It sends nothing.
  }
}
