import { createRequire } from 'node:module';
import {
  type Attributes,
  context,
  diag,
  type Context,
  createNoopMeter,
  DiagLogLevel,
  type Link,
  type Meter,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { getNumberFromEnv, getRPCMetadata, getStringFromEnv } from '@opentelemetry/core';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { MongoDBInstrumentation } from '@opentelemetry/instrumentation-mongodb';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, ConsoleSpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { type Clock, succeededWithin } from '@orders-pipeline/clock';
import type { RecordTracer } from '@orders-pipeline/parallel-consumer';
import { OpenTelemetryTracer } from '@orders-pipeline/parallel-consumer/opentelemetry';
import { timeLimit } from '#orders/time-limit.js';
import { isAdminPath } from '../http/connections.js';
import { loggedUrl } from '../process/logs.js';
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
const MAX_EXPORTS = 10_000;
/** A collector that is away fails every export. */
const WARN_EVERY_MS = 10 * 60_000;

/** Starts the SDK, which reads the standard variables, and instruments the modules that are loaded from now on. */
export async function startOpenTelemetry({ service, log, isWarned, registry, clock }: TracingParts): Promise<Tracing> {
  const { env } = process;
  env['OTEL_SERVICE_NAME'] ||= `orders-${service}`;
  // Metrics are those of Prometheus, and logs are on stdout.
  env['OTEL_METRICS_EXPORTER'] ||= 'none';
  env['OTEL_LOGS_EXPORTER'] ||= 'none';
  logDiagnostics(log, isWarned, clock);
  const counts = new SpanCounts();
  const sdk = new NodeSDK({
    spanProcessors: [createProcessor(await createExporter(), counts)],
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: ({ url }) => isAdminPath(url ?? ''),
        requireParentforOutgoingSpans: true,
        startIncomingSpanHook: (request) => queryOf('url' in request ? (request.url ?? '') : ''),
      }),
      new UndiciInstrumentation({
        requireParentforSpans: true,
        startSpanHook: ({ origin, path }) => ({ ...queryOf(path), 'url.full': `${origin}${loggedUrl(path)}` }),
      }),
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
  /** The links to a cause: consecutive records of an operation share it, and most are not sampled. */
  private caused: { readonly cause: string; readonly links: Link[] } = { cause: '', links: [] };

  constructor(
    private readonly sdk: NodeSDK,
    private readonly clock: Clock,
  ) {}

  recordsOf(groupId: string): RecordTracer {
    return new OpenTelemetryTracer({ groupId, beginsTraces: false });
  }

  beginRecord(topic: string, { parent, cause, orderId }: RecordOrigin): RecordSpan | undefined {
    const links = cause === undefined ? [] : this.linksTo(cause);
    const within = parent === undefined ? ROOT_CONTEXT : carriedBy(parent);
    const span = this.tracer.startSpan(`publish ${topic}`, { kind: SpanKind.PRODUCER, links }, within);
    if (!span.isRecording()) return undefined;
    span.setAttributes({
      'messaging.system': 'kafka',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': topic,
      ...(orderId !== undefined && { 'orders.order.id': orderId }),
    });
    return {
      headers: headersOf(trace.setSpan(within, span)),
      end: (error) => {
        if (error instanceof Error) {
          span.setAttribute('error.type', error.name);
          span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
        }
        span.end();
      },
    };
  }

  private linksTo(cause: string): Link[] {
    if (cause !== this.caused.cause) this.caused = { cause, links: toLinks(carriedBy(cause)) };
    return this.caused.links;
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

/** Returns the query of a URL as it is logged: spans must not have the secrets that the log hides. */
function queryOf(url: string): Attributes {
  const [, query] = /\?(.*)/.exec(loggedUrl(url)) ?? [];
  return query === undefined ? {} : { 'url.query': query };
}

function carriedBy(traceparent: string): Context {
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}

function headersOf(carried: Context): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(carried, headers);
  return headers;
}

function toLinks(carried: Context): Link[] {
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

/** In a warning about each container, which has no `/etc/machine-id`. Its spans have the name of the host. */
const NO_HOST_ID = 'value for key "host.id"';

/** Logs what the SDK reports as warnings, one in ten minutes: when the collector is away, each export fails. */
function logDiagnostics(log: Pick<Logger, 'warn'>, isWarned: boolean, clock: Clock): void {
  let silentUntil = isWarned ? clock.now() + WARN_EVERY_MS : 0;
  let others = 0;
  const warn = (message: string): void => {
    if (message.includes(NO_HOST_ID)) return;
    others += 1;
    if (clock.now() < silentUntil) return;
    log.warn(
      { reason: reasonIn(message), others: others - 1 },
      'spans may be missing: check the collector and the OTEL_ settings',
    );
    others = 0;
    silentUntil = clock.now() + WARN_EVERY_MS;
  };
  diag.setLogger({ error: warn, warn, info: ignore, debug: ignore, verbose: ignore }, { logLevel: DiagLogLevel.WARN });
}

const FROM_ENVIRONMENT = {
  maxQueueSize: 'OTEL_BSP_MAX_QUEUE_SIZE',
  maxExportBatchSize: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
  scheduledDelayMillis: 'OTEL_BSP_SCHEDULE_DELAY',
  exportTimeoutMillis: 'OTEL_BSP_EXPORT_TIMEOUT',
};

/** Creates the processor here: that of the SDK counts its spans by metrics that cost as much as the spans. */
function createProcessor(exporter: SpanExporter, counts: SpanCounts): BatchSpanProcessor {
  const settings = Object.entries(FROM_ENVIRONMENT).map(([name, variable]) => [name, getNumberFromEnv(variable)]);
  const given = Object.fromEntries(settings.filter(([, value]) => value !== undefined)) as object;
  return new BatchSpanProcessor({ exporter, selfObsMeterProvider: { getMeter: () => counts.meter() }, ...given });
}

async function createExporter(): Promise<SpanExporter> {
  if (getStringFromEnv('OTEL_TRACES_EXPORTER') === 'console') return new ConsoleSpanExporter();
  const protocol =
    getStringFromEnv('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? getStringFromEnv('OTEL_EXPORTER_OTLP_PROTOCOL');
  const { OTLPTraceExporter } =
    protocol === 'grpc'
      ? await import('@opentelemetry/exporter-trace-otlp-grpc')
      : protocol === 'http/json'
        ? await import('@opentelemetry/exporter-trace-otlp-http')
        : await import('@opentelemetry/exporter-trace-otlp-proto');
  // At its end, a process exports its whole queue at once. The default of 30 requests would drop what is beyond them.
  return new OTLPTraceExporter({ concurrencyLimit: MAX_EXPORTS });
}

/** Counts the spans that the processor has exported or dropped. */
export class SpanCounts {
  private exported = 0;
  private dropped = 0;

  /** Returns what the processor counts with. */
  meter(): Meter {
    const add = (spans: number, attributes?: Attributes): void => {
      if (attributes?.['error.type'] === undefined) this.exported += spans;
      else this.dropped += spans;
    };
    return Object.assign(Object.create(createNoopMeter()) as Meter, { createCounter: () => ({ add }) });
  }

  expose(registry: Registry): void {
    const counter: Counter = new Counter({
      name: 'traces_spans_total',
      help: 'Spans of this process since its start, by result: exported, or dropped since the collector was away or too slow',
      labelNames: ['result'],
      registers: [registry],
      collect: () => {
        counter.reset();
        counter.inc({ result: 'exported' }, this.exported);
        counter.inc({ result: 'dropped' }, this.dropped);
      },
    });
  }
}
