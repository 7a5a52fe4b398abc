import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { generate } from 'selfsigned';
import { exposeCertificates, usedCertificates } from './certificate-expiry.js';

const UNTIL = '2031-03-01T00:00:00Z';

describe('the certificates of a service', () => {
  let directory: string;
  let certificate: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'orders-certificates-'));
    const validity = { notBeforeDate: new Date('2026-01-01'), notAfterDate: new Date(UNTIL) };
    const made = await generate([{ name: 'commonName', value: 'orders' }], { keyType: 'ec', ...validity });
    certificate = made.cert;
    writeFileSync(join(directory, 'client.pem'), `${made.private}\n${certificate}`);
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  it('are exposed with their expiry, each of a bundle', async () => {
    const registry = new Registry();
    const settings = { KAFKA_SSL_CA_FILE: `${certificate}\n${certificate}`, PORT: 3000, LOG_LEVEL: 'info' };
    const found = usedCertificates(settings);
    expect(found).toHaveLength(2);
    exposeCertificates(found, registry);
    expect(await registry.metrics()).toContain(
      `{setting="KAFKA_SSL_CA_FILE",subject="CN=orders"} ${Date.parse(UNTIL) / 1_000}`,
    );
  });

  it('include those of MongoDB, and leave out a file that can not be read', () => {
    const files = `tlsCAFile=${directory}/absent.pem&tlsCertificateKeyFile=${encodeURIComponent(`${directory}/client.pem`)}`;
    expect(usedCertificates({ MONGODB_URI: `mongodb://db/orders?tls=true&${files}` })).toEqual([
      { setting: 'MONGODB_URI', subject: 'CN=orders', expiresAt: Date.parse(UNTIL) },
    ]);
  });

  it('are not exposed when there is none', async () => {
    const registry = new Registry();
    exposeCertificates(usedCertificates({ MONGODB_URI: 'mongodb://db/orders' }), registry);
    expect(await registry.metrics()).toBe('\n');
  });
});
