import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import type { PopulateResponse } from '../support/tested-stack.js';
import {
  configFor,
  dashboardExpressions,
  exporterMetrics,
  metricNames,
  prometheusParts,
  type PrometheusParts,
  RunningPrometheus,
} from './running-prometheus.js';

const ORDERS = 40_000;
const PARTITIONS = 4;
/** Low enough that a populate reaches it. */
const LAG_CEILING = '2000';
const CONSUMERS = ['consumer consumer-1 up', 'consumer consumer-2 up'];
const SERVICES = ['console console up', 'facade facade up', 'producer producer up', 'query-api query-api up'];
const LEGACY_ORDER = { accountId: 'acc-1', side: 'buy', symbol: 'ACME', quantity: 3, price: 187.35, currency: 'EUR' };
/** Exported only where a control group limits the memory. */
const IN_CONTAINERS = new Set(['process_memory_limit_bytes']);
/** Exported only where a service has a certificate. */
const WITH_TLS = new Set(['service_certificate_expires_timestamp_seconds']);
/** Metrics of prom-client whose names break the convention. */
const NOT_OURS = /^nodejs_active_\w+_total non-counter metrics/;

/** Reads the metrics of a service. */
async function scrape(url: string): Promise<string> {
  const response = await fetch(`${url}/metrics`);
  expect(response.status).toBe(200);
  return response.text();
}

describe('a real Prometheus that scrapes a running stack', () => {
  let parts: PrometheusParts;
  let pipeline: TestSystem;
  let prometheus: RunningPrometheus;
  let operation: PopulateResponse;

  beforeAll(async () => {
    parts = await prometheusParts();
    const flags = ['--partitions', `${PARTITIONS}`, '--save-ms', '0..200', '--in-flight', '100', '--legacy'];
    pipeline = await TestSystem.start({ env: { LAG_CEILING }, flags });
    prometheus = await RunningPrometheus.start(parts.prometheus, await configFor(pipeline.dataDirectory));
  });

  afterAll(async () => {
    await prometheus?.stop();
    await pipeline?.stop();
  });

  /** Waits until an expression has the value. */
  async function expectValue(expression: string, wanted: number): Promise<void> {
    await eventually(`${expression} is ${wanted}`, async () => {
      const value = await prometheus.value(expression);
      return value === wanted || { value };
    });
  }

  async function scaleTo(count: number): Promise<void> {
    const { status } = await fetch(`${pipeline.consoleUrl}/v1/pipeline/consumers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ count }),
    });
    expect(status).toBe(202);
  }

  /** Sends a request to the facade. */
  async function ask<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${pipeline.facadeUrl}${path}`, {
      method,
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as T;
    expect([response.ok, answer]).toEqual([true, answer]);
    return answer;
  }

  function services(): string[] {
    const { producerUrl, queryApiUrl, consoleUrl, facadeUrl } = pipeline;
    return [producerUrl, queryApiUrl, consoleUrl, facadeUrl];
  }

  async function expectTargets(wanted: readonly string[]): Promise<void> {
    await eventually(`Prometheus scrapes ${wanted.join(', ')}`, async () => {
      const targets = await prometheus.targets();
      return targets.join() === wanted.toSorted().join() || targets;
    });
  }

  it('discovers every service, and a new consumer', async () => {
    await expectTargets([...SERVICES, 'consumer consumer-1 up']);
    await scaleTo(2);
    await expectTargets([...SERVICES, ...CONSUMERS]);
    await expectValue('count(service_ready)', 2 + 1 + 1 + 1 + 2 * 4);
    await expectValue('min(service_ready)', 1);
    await expectValue('pipeline_consumers', 2);
    expect((await prometheus.query('group by (check) (service_ready)')).map(({ metric }) => metric['check'])).toContain(
      'mongodb',
    );
  });

  it('has exact counts of records emitted, saved and dead-lettered', async () => {
    // The lag is read once a second. At most 2,000 orders/s are saved, so that the first reading after the start is over the ceiling. Small
    // chunks: an overdue producer must not send all orders before that.
    const shape = { count: ORDERS, ratePerSecond: 10_000, chunkSize: 20 };
    const { id } = await pipeline.populate({ ...shape, faults: { poison: 0.005 } });
    await expectValue('max_over_time(producer_waiting_for_consumers[5m])', 1);
    operation = await pipeline.allEnded(id);
    const { saved, deadLettered } = operation;
    expect([(saved ?? 0) + (deadLettered ?? 0), Number(deadLettered) > 100]).toEqual([ORDERS, true]);
    await expectValue('sum(producer_records_acknowledged_total)', ORDERS);
    await expectValue('sum(producer_records_sent_total)', ORDERS);
    await expectValue('sum(consumer_orders_total{result="saved"})', saved ?? 0);
    await expectValue('sum(parallel_consumer_dead_lettered_total{topic="orders.v1"})', deadLettered ?? 0);
    await expectValue('sum(pipeline_topic_records_total)', ORDERS);
    await expectValue('sum(pipeline_committed_records_total)', ORDERS);
    await expectValue('pipeline_dead_letters_pending', deadLettered ?? 0);
    await expectValue('pipeline:lag_records:sum', 0);
    await expectValue('sum(producer_emissions_running)', 0);
    await expectValue('sum(pipeline_under_replicated_partitions)', 0);
    await expectValue('count(pipeline_under_replicated_partitions)', 2);
  });

  it('has request counts by route pattern, never by id', async () => {
    const order = await pipeline.db.collection<{ _id: { toString(): string } }>('orders').findOne();
    const id = String(order?._id);
    const absent = '00000000-0000-4000-8000-000000000000';
    for (const path of [id, id, absent, `${absent}?waitMs=1`, 'range?from=1&to=5', 'export?format=csv'])
      await pipeline.get(`/v1/orders/${path}`).catch(() => undefined);
    const byId = 'http_request_duration_seconds_count{job="query-api",route="/v1/orders/:id"';
    await expectValue(`${byId},status="2xx"}`, 2);
    await expectValue(`${byId},status="4xx"}`, 2);
    // A scrape may show all requests but the last one.
    await expectValue('sum(http_request_duration_seconds_count{route="/v1/orders/export"})', 1);
    await expectValue('sum(query_api_exports_open)', 0);
    const routes = (await prometheus.query('group by (route) (http_request_duration_seconds_count)')).map(
      ({ metric }) => metric['route'],
    );
    expect(routes).toEqual(
      expect.arrayContaining(['/v1/populate', '/v1/operations/:id', '/v1/orders/export', '/metrics']),
    );
    expect(routes.filter((route) => /\d{3}|\?/.test(route ?? ''))).toEqual([]);
  });

  it('has the stages, reads and comparisons of the facade, and the orders of the intake', async () => {
    await expectValue('sum(facade_stage)', 0);
    await ask('POST', '/v1/migration/writes', { stage: 'dualwrite', reason: 'test' });
    await ask('POST', '/v1/migration/read-by-id', { stage: 'shadow', reason: 'test' });
    await expectValue('sum(facade_stage)', 2);
    await expectValue('facade_stage_version{capability="writes"}', 2);
    const { id } = await ask<{ id: string }>('POST', '/orders', LEGACY_ORDER);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    await expectValue('sum(producer_intake_orders_total)', 1);
    await expectValue('facade_open_intents', 0);
    await ask('GET', `/orders/${id}`);
    // That of the read, and that of the order once it was stored on both sides.
    await expectValue('sum(facade_comparisons_total{outcome="equal"})', 2);
    await ask('POST', '/v1/migration/verify');
    await expectValue('facade_verify_differences', 0);
    await expectValue('sum(facade_rolled_back) + sum(facade_held) + sum(facade_change_pending)', 0);
  });

  it('has every metric that the dashboard and the alerts use', async () => {
    const known = await prometheus.names();
    const dashboard = await dashboardExpressions();
    const rules = await prometheus.rules();
    expect([dashboard.length > 60, rules.length > 25]).toEqual([true, true]);
    const expressions = [...dashboard.map(({ expression }) => expression), ...rules.map(({ query }) => query)];
    const used = [...new Set(expressions.flatMap(metricNames))];
    expect(used.length).toBeGreaterThan(70);
    const unknown = used.filter((name) => !known.has(name));
    const elsewhere = new Set([...IN_CONTAINERS, ...WITH_TLS, ...(await exporterMetrics())]);
    expect(unknown.filter((name) => !elsewhere.has(name))).toEqual([]);
  });

  it('evaluates every alert and dashboard expression, and has data for each panel', async () => {
    const bad = (await prometheus.rules()).filter(({ health }) => health !== 'ok');
    expect(bad).toEqual([]);
    const empty: string[] = [];
    for (const { panel, expression } of await dashboardExpressions()) {
      const series = await prometheus.countSeries(expression);
      if (series === 0 && !metricNames(expression).some((name) => IN_CONTAINERS.has(name)))
        empty.push(`${panel}: ${expression}`);
    }
    expect(empty).toEqual([]);
  });

  it('reports no problem with the names and help texts of our metrics', async () => {
    for (const url of services()) {
      const promtool = spawnSync(parts.promtool, ['check', 'metrics'], { input: await scrape(url), encoding: 'utf8' });
      const output = `${promtool.stdout}${promtool.stderr}`;
      expect(output.split('\n').filter((line) => line !== '' && !NOT_OURS.test(line))).toEqual([]);
    }
  });

  it('sees every service as not ready while MongoDB hangs, and no metrics with unknown values', async () => {
    const { pid } = pipeline.process('MongoDB');
    process.kill(pid, 'SIGSTOP');
    try {
      await expectValue('count(service_ready{check="mongodb"} == 0)', 5);
      for (const url of services().filter((each) => each !== pipeline.facadeUrl))
        expect(await scrape(url)).toContain('service_ready{check="mongodb"} 0');
      // The facade needs no MongoDB for the legacy system's answers, and is scraped without waiting for it.
      const facade = await scrape(pipeline.facadeUrl);
      expect([/^facade_stage\{/m.test(facade), /^facade_open_intents /m.test(facade)]).toEqual([true, false]);
      // While the pipeline is idle, the console's figures are up to four seconds old.
      await eventually('the console exports only what it knows from Kafka', async () => {
        const lines = (await scrape(pipeline.consoleUrl)).split('\n');
        const samples = lines.filter((line) =>
          /^pipeline_(consumers|dead_letters_pending|topic_records_total)\b/.test(line),
        );
        const known = samples.filter((line) => line.startsWith('pipeline_topic_records_total'));
        return (samples.length === PARTITIONS && known.length === PARTITIONS) || samples;
      });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await expectValue('min(service_ready)', 1);
    await expectValue('pipeline_dead_letters_pending', operation.deadLettered ?? 0);
  });

  it('sees a crashed consumer as down until it runs on another port, and drops one that has drained', async () => {
    process.kill(pipeline.process('consumer-2').pid, 'SIGKILL');
    await expectValue('up{instance="consumer-2"}', 0);
    await expectValue('up{instance="consumer-2"}', 1);
    expect(await prometheus.value('changes(process_start_time_seconds{instance="consumer-2"}[5m])')).toBe(1);
    await scaleTo(1);
    await expectTargets([...SERVICES, 'consumer consumer-1 up']);
  });
});
