import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { generate } from 'selfsigned';
import { exposeCertificates, usedCertificates } from './certificate-expiry.js';
import { exposeMemoryLimits, type Bounds } from './memory-limits.js';
import { exposeReadiness } from './readiness-gauge.js';
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
