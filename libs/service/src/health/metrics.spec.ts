import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, beforeEach } from '@jest/globals';
import { Registry } from 'prom-client';
import { generate } from 'selfsigned';
import { fastify as makeFastify, type FastifyInstance } from 'fastify';
import { exposeCertificates, usedCertificates, exposeMemoryLimits, type Bounds, measureRequests } from './metrics.js';
import { exposeReadiness } from './health.js';
import { samples } from './testing/samples.js';

describe('the readiness metric', () => {
  it('reports which checks pass, and runs them each time', async () => {
    const registry = new Registry();
    let isAvailable = false;
    const kafka = async (): Promise<void> => (isAvailable ? undefined : Promise.reject(new Error('unavailable')));
    exposeReadiness({ mongodb: async () => undefined, kafka }, registry);
    expect(await samples(registry)).toEqual(['service_ready{check="mongodb"} 1', 'service_ready{check="kafka"} 0']);
    isAvailable = true;
    expect(await samples(registry)).toContain('service_ready{check="kafka"} 1');
  });

  it('does not wait for a hanging check, and repeats it only after it has ended', async () => {
    const registry = new Registry();
    const first = Promise.withResolvers<void>();
    let calls = 0;
    const kafka = async (): Promise<void> => {
      calls += 1;
      if (calls === 1) await first.promise;
    };
    exposeReadiness({ kafka }, registry, 5);
    for (let scrape = 0; scrape < 3; scrape += 1)
      expect(await samples(registry)).toEqual(['service_ready{check="kafka"} 0']);
    expect(calls).toBe(1);
    first.resolve();
    await setImmediate();
    expect(await samples(registry)).toEqual(['service_ready{check="kafka"} 1']);
    expect(calls).toBe(2);
  });
});

describe('the memory limits', () => {
  const GIB = 1_024 ** 3;

  it.each<[string, Partial<Bounds>, string[]]>([
    ['of V8', { execArgv: ['--max-old-space-size=256'] }, ['nodejs_old_space_limit_bytes 268435456']],
    ['of the control group', { constrainedBytes: GIB }, [`process_memory_limit_bytes ${GIB}`]],
    ['that do not exist', {}, []],
    ['of a control group without one, as Linux reports it', { constrainedBytes: 2 ** 63 - 4_096 }, []],
  ])('%s: %j gives %j', async (_, { execArgv = [], ...bounds }, exposed) => {
    const registry = new Registry();
    const machine = { constrainedBytes: 0, machineBytes: 8 * GIB };
    exposeMemoryLimits({ execArgv: ['--enable-source-maps', ...execArgv], ...machine, ...bounds }, registry);
    expect(await samples(registry)).toEqual(exposed);
  });
});

const UNTIL = new Date('2031-03-01T00:00:00Z');
const VALIDITY = { notBeforeDate: new Date('2026-01-01'), notAfterDate: UNTIL };
const NAMED = [{ name: 'commonName', value: 'orders' }];
const { cert, private: key } = await generate(NAMED, { keyType: 'ec', ...VALIDITY });

describe('the certificates of a service', () => {
  it('are exposed with their expiry, each of a bundle', async () => {
    const registry = new Registry();
    const found = usedCertificates({ KAFKA_SSL_CA_FILE: `${cert}\n${cert}`, PORT: 3000, LOG_LEVEL: 'info' });
    expect(found).toHaveLength(2);
    exposeCertificates(found, registry);
    const [sample] = await samples(registry);
    expect(sample).toContain(`{setting="KAFKA_SSL_CA_FILE",subject="CN=orders"} ${UNTIL.getTime() / 1_000}`);
  });

  it('include those of MongoDB, and leave out a file that can not be read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'orders-certificates-'));
    const file = join(folder, 'client.pem');
    writeFileSync(file, `${key}\n${cert}`);
    const files = `tlsCAFile=${folder}/absent.pem&tlsCertificateKeyFile=${encodeURIComponent(file)}`;
    expect(usedCertificates({ MONGODB_URI: `mongodb://db/orders?tls=true&${files}` })).toEqual([
      { setting: 'MONGODB_URI', subject: 'CN=orders', expiresAt: UNTIL.getTime() },
    ]);
    rmSync(folder, { recursive: true });
  });

  it('are not exposed when there is none', async () => {
    const registry = new Registry();
    exposeCertificates(usedCertificates({ MONGODB_URI: 'mongodb://db/orders' }), registry);
    expect(await registry.metrics()).toBe('\n');
  });
});

describe('request metrics', () => {
  let app: FastifyInstance;
  let registry: Registry;

  beforeEach(() => {
    app = makeFastify();
    registry = new Registry();
    measureRequests(app, registry);
    app.get('/orders/:id', () => ({ order: 1 }));
    app.get<{ Params: { status: string } }>('/refused/:status', ({ params }, reply) =>
      reply.status(Number(params.status)).send(),
    );
  });

  it('are labelled by route pattern, not by id', async () => {
    for (const id of ['1', '2', '3']) await app.inject(`/orders/${id}?waitMs=${id}`);
    expect(await samples(registry, 'http_request_duration_seconds_count')).toEqual([
      'http_request_duration_seconds_count{method="GET",route="/orders/:id",status="2xx"} 3',
    ]);
    const [sum = ''] = await samples(registry, 'http_request_duration_seconds_sum');
    expect(Number(sum.split(' ')[1])).toBeGreaterThan(0);
  });

  it('have one series for all unknown paths, and one for all unusual methods', async () => {
    for (const url of ['/none', '/none/at/all']) await app.inject(url);
    for (const method of ['PROPFIND', 'MKCOL']) await app.inject({ method: method as 'GET', url: '/none' });
    expect(await samples(registry, 'http_request_duration_seconds_count')).toEqual([
      'http_request_duration_seconds_count{method="GET",route="none",status="4xx"} 2',
      'http_request_duration_seconds_count{method="other",route="none",status="4xx"} 2',
    ]);
  });

  it('count rejected requests from 0 on, and no other failures', async () => {
    for (const status of [401, 403, 403, 429, 404, 503]) await app.inject(`/refused/${status}`);
    expect(await samples(registry, 'http_requests_refused_total')).toEqual([
      'http_requests_refused_total{status="401"} 1',
      'http_requests_refused_total{status="403"} 2',
      'http_requests_refused_total{status="421"} 0',
      'http_requests_refused_total{status="429"} 1',
    ]);
  });
});
