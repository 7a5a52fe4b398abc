import type { RecordTracer, SendTracer } from '@orders-pipeline/parallel-consumer';
import type { FastifyInstance } from 'fastify';

/** Where the span of a record begins. */
export interface RecordOrigin {
  /** Whose child it is, as a `traceparent`. Default: it begins a trace. */
  readonly parent?: string | undefined;
  /** What caused it, as a `traceparent`: a link of a span that begins a trace. */
  readonly cause?: string | undefined;
  /** The id of the record's order; unknown for one that is sent again. */
  readonly orderId?: string;
}

/** The span of a record, until Kafka has acknowledged it. */
export interface RecordSpan {
  /** The headers that carry its context. */
  readonly headers: Readonly<Record<string, string>>;
  /** @param error why the record was not acknowledged */
  end(error?: unknown): void;
}

/** The traces of this process. */
export interface Tracing {
  /** Follows the batches of `ReliableProducer`. */
  readonly batches: SendTracer;
  /** Returns what follows the records that a consumer group takes. Records without a trace context are not traced. */
  recordsOf(groupId: string): RecordTracer;
  /** @returns undefined if the sampler does not take the record */
  beginRecord(topic: string, origin: RecordOrigin): RecordSpan | undefined;
  /** Returns the active span as a `traceparent`, to be stored with the work that it causes; `undefined` if none is sampled. */
  activeContext(): string | undefined;
  /** Runs stored work in the context that caused it. */
  within<T>(context: string | undefined, run: () => T): T;
  /** Returns the fields of log messages: the ids of the active span. */
  logFields(): Readonly<Record<string, string>>;
  /** Names the spans of requests after their routes. */
  nameRoutes(fastify: FastifyInstance): void;
  /** Exports what is left, within five seconds. */
  stop(): Promise<void>;
}

let current: Tracing | undefined;

/** Returns the traces of this process; `undefined` when they are off. */
export function tracing(): Tracing | undefined {
  return current;
}

/**
 * Runs work in the trace of what caused it.
 * @param cause as stored with the work; `undefined`: in no trace, such as work that several requests share
 */
export function inTrace<T>(cause: string | undefined, run: () => T): T {
  return current === undefined ? run() : current.within(cause, run);
}

/** Sets the traces of this process: once, before anything else runs, or in a spec. */
export function setTracing(traces: Tracing | undefined): void {
  current = traces;
}
