import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { systemClock } from '@orders-pipeline/clock';
import { PrometheusMetrics } from '@orders-pipeline/parallel-consumer/prometheus';
import { AuditTrail, type AuditTrailParts } from '#service/audit/audit-trail.js';
import type { AuthSettings } from '#service/auth/auth-settings.js';
import { tokenCheck } from '#service/auth/token-verifier.js';
import { exposeCertificates, exposeMemoryLimits, measureRequests } from '#service/health/metrics.js';
import { exposeReadiness } from '#service/health/health.js';
import { SpanCounts } from '#service/telemetry/opentelemetry.js';
import { exposeAutoscaling } from '../../apps/console/src/autoscaling/autoscaling-status.js';
import { exposePipeline, exposeReplicas } from '../../apps/console/src/pipeline/pipeline-metrics.js';
import { measuredInsert } from '../../apps/consumer/src/bulk-insert.js';
import { FacadeMetrics, exposeIntents, exposeStages } from '../../apps/facade/src/facade-metrics.js';
import { WriteReporting, type ReportingDependencies } from '../../apps/facade/src/migration/write-reporting.js';
import { measureCompaction } from '../../apps/producer/src/compaction/operation-compaction.js';
import { exposePublishing } from '../../apps/producer/src/publishing/publishing-job.js';
import { measureTopic } from '../../apps/producer/src/publishing/orders-topic.js';
import { measureIntake } from '../../apps/producer/src/order-api/intake.js';
import { exposeReadMetrics } from '../../apps/query-api/src/read-limits.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';

/** Stands for what metrics read at a scrape, which never comes: each property and each call returns it again. */
const nothing: never = new Proxy(() => undefined, { get: () => nothing, apply: () => nothing }) as never;

/**
 * Register the metrics of each service, as it does at its start. Those of prom-client itself (`nodejs_…`, `process_…`) depend on the operating
 * system, and are not in the record.
 */
const EXPOSED: Readonly<Record<string, (registry: Registry) => unknown>> = {
  'every service': (registry) => {
    exposeMemoryLimits({ execArgv: ['--max-old-space-size=1'], constrainedBytes: 1, machineBytes: 1 }, registry);
    exposeReadiness({}, registry);
    measureRequests(nothing, registry);
    exposeCertificates([{ setting: 'KAFKA_SSL_CA', subject: 'any', expiresAt: 0 }], registry);
  },
  'services with tokens': (registry) => {
    const settings = { AUTH_ISSUER: 'https://issuer.test' } as AuthSettings;
    tokenCheck(settings, { clock: systemClock, log: nothing, registry });
  },
  'services with traces': (registry) => new SpanCounts().expose(registry),
  'services with an audit trail': (registry) => new AuditTrail({ registry } as AuditTrailParts),
  producer: (registry) => {
    measureTopic(registry);
    exposePublishing(nothing, 0, registry);
    measureIntake(registry, nothing);
    measureCompaction(registry);
  },
  consumer: (registry) => {
    measuredInsert(nothing, registry);
  },
  'consumer, and your service with the engine': (registry) => new PrometheusMetrics(registry),
  'query API': (registry) => exposeReadMetrics(nothing, nothing, registry),
  console: (registry) => {
    exposePipeline(nothing, registry);
    exposeReplicas(nothing, registry);
    exposeAutoscaling(nothing, registry);
  },
  facade: (registry) => {
    const metrics = new FacadeMetrics(registry);
    metrics.breakers([]);
    metrics.queuedComparisons(nothing);
    metrics.expiredIgnoreRules(nothing);
    exposeIntents(nothing, systemClock, registry);
    exposeStages({ state: nothing, lastVerify: nothing, clock: systemClock }, registry);
    return new WriteReporting({ registry } as ReportingDependencies);
  },
};

/** What the record has about a metric. prom-client declares only some of these. */
interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
  /** Of a histogram. */
  readonly upperBounds?: readonly number[];
}

/**
 * Returns the metrics that the services can expose, with labels and buckets.
 * @throws Error if the sources name a metric that is not among them
 */
export function describeMetrics(): string {
  const exposed = Object.entries(EXPOSED).map(([by, expose]) => {
    const registry = new Registry();
    expose(registry);
    const metrics = registry.getMetricsAsArray() as unknown as readonly Described[];
    return { by, metrics: metrics.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
  });
  requireAll(exposed.flatMap(({ metrics }) => metrics.map(({ name }) => name)));
  return exposed.map(({ by, metrics }) => `# ${by}\n\n${metrics.map(describe).join('\n')}`).join('\n');
}

function describe({ name, help, type, labelNames, upperBounds }: Described): string {
  const labels = labelNames.length === 0 ? '' : `{${labelNames.join(', ')}}`;
  const buckets = upperBounds === undefined ? '' : `  buckets: ${upperBounds.join(', ')}\n`;
  return `${type} ${name}${labels}\n  ${help}\n${buckets}`;
}

/**
 * A file that creates metrics has their names, with or without a prefix, as texts with underscores. Its other such texts are keys in brackets,
 * or the name of a metric that it looks up.
 */
function requireAll(names: readonly string[]): void {
  const missing = globSync('{apps,libs}/*/src/**/*.ts', { cwd: PROJECT_DIRECTORY })
    .filter((file) => !/\.spec\.ts$|\/testing\//.test(file))
    .map((file) => readFileSync(join(PROJECT_DIRECTORY, file), 'utf8'))
    .filter((text) => /new (Counter|Gauge|Histogram)\b/.test(text))
    .flatMap((text) =>
      [...text.matchAll(/(?<!\[|getSingleMetric\()'([a-z]+(?:_[a-z]+)+)'/g)].map(([, literal = '']) => literal),
    )
    .filter((literal) => !names.some((name) => name.endsWith(literal)));
  if (missing.length > 0) throw new Error(`Add to EXPOSED in dev/surface/metrics.ts: ${missing.join(', ')}`);
}
