import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Long, type UUID } from 'mongodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ordersCollection } from '#orders/order/order-document.js';
import { eventually } from '../support/eventually.js';
import { Imports, intakeOrder, legacyPairs, Redrives } from '../support/sent-orders.js';
import { StartedApp } from '../support/started-app.js';
import { TestSystem } from '../support/test-system.js';
import { RunningJaeger, type StoredSpan } from './running-jaeger.js';

const ORDERS = 100;
/** Exports often, so that no case waits for spans, and loses none of a burst. */
const SOON = { OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_BSP_MAX_QUEUE_SIZE: '50000' };

let traces = 0;

/** Returns the `traceparent` of a client, and the id of its trace. */
function aClient(): { readonly traceId: string; readonly headers: Record<string, string> } {
  traces += 1;
  const traceId = `4bf92f3577b34da6a3ce929d${traces.toString(16).padStart(8, '0')}`;
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  return { traceId, headers: { traceparent, 'content-type': 'application/json' } };
}

function named(spans: readonly StoredSpan[], name: string): readonly StoredSpan[] {
  return spans.filter((span) => span.name === name);
}

/** Whether an order was published and saved in this trace, and each of its spans has its parent there. */
function isComplete(spans: readonly StoredSpan[]): boolean {
  const ids = new Set(spans.map(({ id }) => id));
  const ended = named(spans, 'process orders.v1').map(({ tags }) => tags['parallel_consumer.end']);
  const parents = spans.filter(({ name }) => name !== 'publish orders.v1').map(({ parent }) => parent);
  return ended.includes('handled') && parents.every((parent) => parent !== undefined && ids.has(parent));
}

/** Waits until the trace satisfies a condition, and returns its spans. */
async function traced(
  what: string,
  read: () => Promise<readonly StoredSpan[]>,
  isDone: (spans: readonly StoredSpan[]) => boolean,
): Promise<readonly StoredSpan[]> {
  let spans: readonly StoredSpan[] = [];
  await eventually(`the trace has ${what}`, async () => {
    spans = await read();
    return isDone(spans) || { spans: spans.map(({ name, tags }) => [name, tags['parallel_consumer.end']]) };
  });
  return spans;
}

async function post(url: string, headers: Record<string, string>, body: object): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer: unknown = await response.json();
  expect([response.ok, answer]).toEqual([true, answer]);
  return answer;
}

/** Whether the dead letter, its publishing and the save have ended. */
function isHandledTwice(spans: readonly StoredSpan[]): boolean {
  const ends = new Set(named(spans, 'process orders.v1').map(({ tags }) => tags['parallel_consumer.end']));
  return ends.has('dead-lettered') && ends.has('handled') && named(spans, 'publish orders.v1').length === 2;
}

describe('orders that are traced, in a real Jaeger,', () => {
  let jaeger: RunningJaeger;
  let pipeline: TestSystem;

  beforeAll(async () => {
    jaeger = await RunningJaeger.start();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.endpoint, ...SOON };
    const flags = ['--partitions', '4', '--save-ms', '500..1500', '--consumers', '2', '--legacy'];
    pipeline = await TestSystem.start({ env, flags });
  });

  afterAll(async () => {
    await pipeline?.stop();
    await jaeger?.stop();
  });

  /** Returns the ids of an operation's saved orders. */
  async function savedIds(operation: string): Promise<string[]> {
    const { firstNumber } = await pipeline.allSaved(operation);
    const found = await ordersCollection(pipeline.db)
      .find({ number: { $gte: Long.fromNumber(firstNumber), $lt: Long.fromNumber(firstNumber + ORDERS) } })
      .project<{ _id: UUID }>({ _id: 1 })
      .toArray();
    return found.map(({ _id }) => _id.toHexString());
  }

  /** Waits until orders have complete traces. @returns how many */
  async function completeTraces(ids: readonly string[]): Promise<number> {
    for (const id of ids) await traced(`order ${id}`, async () => jaeger.traceOfOrder(id), isComplete);
    return ids.length;
  }

  /** Returns the number of rebalances of the consumers that have a span. */
  async function rebalances(): Promise<number> {
    const spans = await jaeger.find({ service: 'orders-consumer', operation: 'rebalance' });
    return spans.filter(({ tags }) => tags['messaging.consumer.group.name'] === 'orders-savers').length;
  }

  it('continue the trace of the request that sent them, up to the insert of their batch', async () => {
    const { traceId, headers } = aClient();
    await post(`${pipeline.producerUrl}/v1/orders`, headers, intakeOrder());
    const path = [
      'POST /v1/orders',
      'publish orders.v1',
      'process orders.v1',
      'attempt 1',
      'process batch',
      'insert orders',
    ];
    const spans = await traced(
      'all of its spans',
      async () => jaeger.trace(traceId),
      (all) => path.every((name) => named(all, name).length > 0),
    );
    let parent: string | undefined = '00f067aa0ba902b7';
    for (const name of path) {
      const [span] = named(spans, name);
      expect([name, span?.parent]).toEqual([name, parent]);
      parent = span?.id;
    }
    expect(named(spans, 'attempt 1')[0]?.events).toEqual(['batch started']);
  });

  it.each<[string, (headers: Record<string, string>) => Promise<string[]>]>([
    [
      'a populate',
      async (headers) => {
        const answer = await post(`${pipeline.producerUrl}/v1/populate`, headers, { count: ORDERS });
        return savedIds((answer as { id: string }).id);
      },
    ],
    [
      'an import',
      async ({ traceparent = '' }) => {
        const rows = legacyPairs(ORDERS);
        const { body } = await new Imports(pipeline).upload({ 'a.json': rows }, { headers: { traceparent } });
        await pipeline.allSaved(body.id);
        return rows.map(({ id }) => id);
      },
    ],
  ])('begin traces of their own in %s, which link to its request', async (_, send) => {
    const { traceId, headers } = aClient();
    const ids = await send(headers);
    expect(await completeTraces(ids)).toBe(ORDERS);
    const [published] = named(await jaeger.traceOfOrder(ids[0] ?? ''), 'publish orders.v1');
    expect(published?.links.map((link) => link.traceId)).toEqual([traceId]);
  });

  it('show each attempt, the dead letter and the redrive of an order that MongoDB rejects', async () => {
    const { traceId, headers } = aClient();
    const collMod = 'orders';
    await pipeline.db.command({ collMod, validator: { symbol: { $ne: 'REJECTED' } } });
    const order = intakeOrder({ symbol: 'REJECTED' });
    const { operationId } = (await post(`${pipeline.producerUrl}/v1/orders`, headers, order)) as {
      operationId: string;
    };
    const redrives = new Redrives(pipeline);
    await eventually('the order is a dead letter', async () => {
      const groups = await redrives.groups('pending', operationId);
      return groups['refused-by-database'] === 1 || groups;
    });
    await pipeline.db.command({ collMod, validator: {} });
    await redrives.ask({ errorCode: 'refused-by-database', operationId });
    const spans = await traced('both saves', async () => jaeger.trace(traceId), isHandledTwice);
    const [rejected, saved] = named(spans, 'process orders.v1');
    expect(rejected?.events).toEqual(['taken', ...Array.from({ length: 4 }, () => 'retry scheduled'), 'dead-lettered']);
    expect(rejected?.tags['error.type']).toBe('refused-by-database');
    const attempts = spans.filter(({ parent }) => parent === rejected?.id);
    expect(attempts.map(({ tags }) => tags['parallel_consumer.outcome'])).toEqual(
      Array.from({ length: 5 }, () => 'retriable'),
    );
    const [, again] = named(spans, 'publish orders.v1');
    expect([again?.parent, saved?.parent]).toEqual([named(spans, 'publish orders.v1')[0]?.id, again?.id]);
  });

  it('have no secret of a URL, in the service and in the one that it forwards to', async () => {
    const { traceId, headers } = aClient();
    await fetch(`${pipeline.consoleUrl}/v1/operations?access_token=canary&kind=populate`, { headers });
    const spans = await traced(
      'both requests',
      async () => jaeger.trace(traceId),
      (all) => all.filter(({ tags }) => tags['url.query'] !== undefined).length >= 3,
    );
    expect(spans.map(({ tags }) => tags['url.query']).filter(Boolean)).toContain('access_token=***&kind=populate');
    expect(JSON.stringify(spans)).not.toContain('canary');
  });

  it('have complete traces when consumers restart gracefully, and the partitions move', async () => {
    const { headers } = aClient();
    const { id } = (await post(`${pipeline.producerUrl}/v1/populate`, headers, { count: ORDERS })) as { id: string };
    const earlier = await rebalances();
    const before = pipeline.process('consumer-1');
    process.kill(before.pid, 'SIGTERM');
    await pipeline.runsAgain(before);
    expect(await completeTraces(await savedIds(id))).toBe(ORDERS);
    await eventually('the rebalances have spans', async () => (await rebalances()) > earlier);
  });

  it('have complete traces after a consumer was killed: those of the redelivery', async () => {
    const { headers } = aClient();
    const { id } = (await post(`${pipeline.producerUrl}/v1/populate`, headers, { count: ORDERS })) as { id: string };
    const before = pipeline.process('consumer-2');
    process.kill(before.pid, 'SIGKILL');
    await pipeline.runsAgain(before);
    expect(await completeTraces(await savedIds(id))).toBe(ORDERS);
  });

  it('cost nothing where no endpoint is set: nothing of OpenTelemetry is loaded', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orders-loaded-'));
    const app = await StartedApp.start('query-api', { MONGODB_URI: pipeline.mongodbUri, NODE_V8_COVERAGE: folder });
    await eventually('it is ready', async () => (await app.readiness()).status === 200);
    await app.end();
    const files = await Promise.all((await readdir(folder)).map(async (file) => readFile(join(folder, file), 'utf8')));
    await rm(folder, { recursive: true });
    const loaded = [...files.join('').matchAll(/"url":"([^"]+)"/g)].map(([, url]) => url);
    expect(loaded.some((url) => url?.includes('/telemetry/start-tracing.js'))).toBe(true);
    // prom-client loads the API, for exemplars.
    expect(loaded.filter((url) => /@opentelemetry\/(?!api\/)|telemetry\/opentelemetry/.test(url ?? ''))).toEqual([]);
  });

  describe('a service whose spans no collector takes', () => {
    let app: StartedApp | undefined;
    let collector: Server | undefined;

    afterEach(async () => {
      await app?.end();
      collector?.closeAllConnections();
      collector?.close();
      [app, collector] = [undefined, undefined];
    });

    async function listening(answer: RequestListener): Promise<string> {
      collector = createServer(answer);
      await new Promise<void>((resolve) => void collector?.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    }

    it.each<[string, () => Promise<string>, string]>([
      ['is away', async () => 'http://127.0.0.1:9', 'OTEL_'],
      ['has an address without a scheme', async () => 'collector:4318', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
      ['refuses them', async () => listening((_, response) => void response.writeHead(400).end()), 'OTEL_'],
      [
        'answers with HTML',
        async () =>
          listening((_, response) => void response.writeHead(404, { 'content-type': 'text/html' }).end('<html>')),
        'OTEL_',
      ],
      ['never answers', async () => listening(() => undefined), 'OTEL_'],
    ])(
      'answers requests, counts the spans that are dropped and warns once: it %s',
      async (...[, endpoint, warning]) => {
        const env = {
          MONGODB_URI: pipeline.mongodbUri,
          OTEL_EXPORTER_OTLP_ENDPOINT: await endpoint(),
          OTEL_EXPORTER_OTLP_TIMEOUT: '300',
          OTEL_BSP_EXPORT_TIMEOUT: '500',
          ...SOON,
        };
        app = await StartedApp.start('query-api', env);
        await eventually('it is ready', async () => (await app?.readiness())?.status === 200);
        let dropped = 0;
        await eventually('spans are dropped', async () => {
          const { status } = (await app?.get('/v1/orders?page=1&pageSize=1')) ?? {};
          expect(status).toBe(200);
          const { text = '' } = (await app?.get('/metrics')) ?? {};
          dropped = Number(/^traces_spans_total\{result="dropped"\} (\d+)$/m.exec(text)?.[1]);
          return dropped > 3 || { dropped };
        });
        const warnings = app.log.filter(({ level, msg }) => level === 40 && /traces|spans/.test(String(msg)));
        expect(warnings.map(({ reason, msg }) => `${String(reason)} ${String(msg)}`).join('\n')).toContain(warning);
        expect(warnings).toHaveLength(1);
      },
    );
  });
});
