import { totalmem } from 'node:os';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Controller, Get, Header, Module } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { collectDefaultMetrics, register, Counter, Histogram, type Registry, Gauge } from 'prom-client';
import type { FastifyInstance } from 'fastify';
import { NoToken } from '../auth/scope.guard.js';
import { certificatesOf } from '../settings/settings.js';

/** Serves the process's metrics in Prometheus's text format. */
@ApiExcludeController()
@NoToken(true)
@Controller('metrics')
class MetricsController {
  @Get()
  @Header('Content-Type', register.contentType)
  async metrics(): Promise<string> {
    return register.metrics();
  }
}

@Module({ controllers: [MetricsController] })
export class MetricsModule {
  constructor() {
    if (register.getSingleMetric('process_cpu_seconds_total') !== undefined) return;
    collectDefaultMetrics();
    const constrainedBytes = process.constrainedMemory();
    exposeMemoryLimits({ execArgv: process.execArgv, constrainedBytes, machineBytes: totalmem() }, register);
  }
}

/** In seconds: from a read by id, about 2 ms, to a reconciliation of millions of orders. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];
/** Methods with their own series. A client can send any method that Node's parser knows and must not create a series for each. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** No valid token, not allowed, wrong host, too many requests: the status class does not distinguish them from bad requests. */
const REFUSALS = new Set([401, 403, 421, 429]);

/**
 * Measures every request from its arrival until its response is handed to the operating system. It labels by route pattern,
 * never by path, since each id would create a series. Call it before the routes are registered. The hook uses a callback, as
 * do all hooks on the path of every request.
 *
 * Not counted: responses whose client disconnected before the end, such as an endless event stream.
 */
export function measureRequests(fastify: FastifyInstance, registry: Registry): void {
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of requests until the whole response was sent, by route pattern and status class',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  });
  const refused = new Counter({
    name: 'http_requests_refused_total',
    help: 'Rejected requests: no valid token (401), not allowed (403), wrong host (421), too many requests (429)',
    labelNames: ['status'],
    registers: [registry],
  });
  for (const status of REFUSALS) refused.inc({ status }, 0);
  fastify.addHook('onResponse', (request, { statusCode, elapsedTime }, done) => {
    const method = METHODS.has(request.method) ? request.method : 'other';
    const route = request.routeOptions.url ?? 'none';
    durations.observe({ method, route, status: `${Math.floor(statusCode / 100)}xx` }, elapsedTime / 1_000);
    if (REFUSALS.has(statusCode)) refused.inc({ status: statusCode });
    done();
  });
}

const MIB = 1_024 * 1_024;

/** The memory limits that a process can read. */
export interface Bounds {
  /** Node's own flags. */
  readonly execArgv: readonly string[];
  /** The value of `process.constrainedMemory()`, in bytes. */
  readonly constrainedBytes: number;
  /** The value of `os.totalmem()`, in bytes. */
  readonly machineBytes: number;
}

/** Exposes the memory limits, which prom-client's default metrics lack. An unknown limit has no sample. */
export function exposeMemoryLimits({ execArgv, constrainedBytes, machineBytes }: Bounds, registry: Registry): void {
  const oldSpaceMiB = Number(/^--max-old-space-size=(\d+)$/m.exec(execArgv.join('\n'))?.[1] ?? 0);
  if (oldSpaceMiB > 0)
    new Gauge({
      name: 'nodejs_old_space_limit_bytes',
      help: 'V8 ends the process when the old generation, all heap spaces except the new space, exceeds this',
      registers: [registry],
    }).set(oldSpaceMiB * MIB);
  // Without a limit the value is 0, or more than the memory of the machine.
  if (constrainedBytes > 0 && constrainedBytes <= machineBytes)
    new Gauge({
      name: 'process_memory_limit_bytes',
      help: 'The system ends the process, or its container, when it exceeds this',
      registers: [registry],
    }).set(constrainedBytes);
}

/** The options of MongoDB's address that name files with certificates. */
const MONGODB_FILES = ['tlsCAFile', 'tlsCertificateKeyFile'];

/** A certificate that a process uses. */
interface UsedCertificate {
  /** The setting that it is from. */
  readonly setting: string;
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * Exposes when the certificates of a service expire. They are those that it read at its start: a renewed file counts after a restart,
 * as it does for the connections.
 */
export function exposeCertificates(certificates: readonly UsedCertificate[], registry: Registry): void {
  if (certificates.length === 0) return;
  const gauge = new Gauge({
    name: 'service_certificate_expires_timestamp_seconds',
    help: 'When a certificate that this process uses expires, by its setting, in seconds since 1970',
    labelNames: ['setting', 'subject'],
    registers: [registry],
  });
  for (const { setting, subject, expiresAt } of certificates) gauge.set({ setting, subject }, expiresAt / 1_000);
}

/** Returns the certificates in the settings of a service: in those with PEM text, and in the files that MONGODB_URI names. */
export function usedCertificates(settings: object): UsedCertificate[] {
  return Object.entries(settings).flatMap(([setting, value]) => {
    if (typeof value !== 'string') return [];
    const texts = setting === 'MONGODB_URI' ? mongodbFiles(value) : [value];
    return texts.flatMap((text) => certificatesIn(text, setting));
  });
}

function certificatesIn(text: string, setting: string): UsedCertificate[] {
  return certificatesOf(text).map((pem) => {
    const { subject, validToDate } = new X509Certificate(pem);
    return { setting, subject: subject.replaceAll('\n', ', '), expiresAt: validToDate.getTime() };
  });
}

/** A file that can't be read is left out: the driver reports it when it connects. */
function mongodbFiles(uri: string): string[] {
  const options = new URLSearchParams(uri.split('?')[1]);
  return MONGODB_FILES.flatMap((name) => {
    const path = options.get(name);
    if (path === null) return [];
    try {
      return [readFileSync(path, 'utf8')];
    } catch {
      return [];
    }
  });
}
