import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { generate } from 'selfsigned';
import { z } from 'zod';
import { kafkaAccess, platformaticAccess, registryAccess } from '../kafka/kafka-access.js';
import { kafkaSettings } from './kafka-settings.js';
import { loadSettings } from './settings.js';

const folder = mkdtempSync(join(tmpdir(), 'kafka-settings-'));
const [one, other] = await Promise.all([makePair(), makePair()]);
const CA = file('ca.pem', `A comment\n${one.certificate}${other.certificate}`);
const CERT = file('cert.pem', one.certificate);
const KEY = file('key.pem', one.key);
const CUT = file('cut.pem', one.certificate.replace(/\n.{10}/, '\n'));
const OTHER_KEY = file('other.pem', other.key);
const USER = { KAFKA_SASL_USERNAME: 'ann', KAFKA_SASL_PASSWORD: 's3cret' };
const OAUTH = { ...USER, KAFKA_SASL_MECHANISM: 'oauthbearer', KAFKA_SASL_TOKEN_URL: 'https://issuer/token' };
const TLS = { KAFKA_SSL: 'true' };

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

async function makePair(): Promise<{ certificate: string; key: string }> {
  const { cert, private: key } = await generate([], { keyType: 'ec', algorithm: 'sha256' });
  return { certificate: cert, key };
}

function settingsOf(environment: NodeJS.ProcessEnv) {
  return loadSettings(z.object(kafkaSettings), environment);
}

afterAll(() => rmSync(folder, { recursive: true }));

describe('the connection to Kafka', () => {
  it('is plain and without user by default', () => {
    expect(kafkaAccess(settingsOf({}))).toEqual({ brokers: ['127.0.0.1:9092'] });
    expect(kafkaAccess(settingsOf(TLS))).toMatchObject({ ssl: {} });
  });

  it('has the content of the files for TLS, and a user with a password from a file', () => {
    const environment = {
      ...TLS,
      KAFKA_SSL_CA_FILE: CA,
      KAFKA_SSL_CERT_FILE: CERT,
      KAFKA_SSL_KEY_FILE: KEY,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'ann',
      KAFKA_SASL_PASSWORD_FILE: file('password', 's3cret\n'),
    };
    expect(kafkaAccess(settingsOf(environment))).toEqual({
      brokers: ['127.0.0.1:9092'],
      ssl: { ca: readFileSync(CA, 'utf8'), cert: one.certificate, key: one.key },
      sasl: { mechanism: 'scram-sha-512', username: 'ann', password: 's3cret' },
    });
  });

  it.each<[NodeJS.ProcessEnv, object]>([
    [{}, {}],
    [TLS, { tls: {} }],
    [{ ...USER, KAFKA_SASL_MECHANISM: 'plain' }, { sasl: { mechanism: 'PLAIN', username: 'ann', password: 's3cret' } }],
    [
      { ...USER, KAFKA_SASL_MECHANISM: 'scram-sha-256' },
      { sasl: expect.objectContaining({ mechanism: 'SCRAM-SHA-256' }) },
    ],
    [
      { ...USER, KAFKA_SASL_MECHANISM: 'scram-sha-512' },
      { sasl: expect.objectContaining({ mechanism: 'SCRAM-SHA-512' }) },
    ],
    [OAUTH, { sasl: { mechanism: 'OAUTHBEARER', token: expect.any(Function) } }],
  ])('with %j by @platformatic/kafka is %j', (environment, access) => {
    const settings = settingsOf({ KAFKA_BROKERS: 'kafka-1:9092,kafka-2:9092', ...environment });
    expect(platformaticAccess(settings)).toEqual({ brokers: ['kafka-1:9092', 'kafka-2:9092'], ...access });
  });

  it.each<[NodeJS.ProcessEnv, string]>([
    [{ KAFKA_SASL_PASSWORD: 's3cret' }, 'KAFKA_SASL_PASSWORD needs KAFKA_SASL_USERNAME: set KAFKA_SASL_USERNAME, or'],
    [
      { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_PASSWORD: 's3cret' },
      'KAFKA_SASL_MECHANISM needs KAFKA_SASL_USERNAME',
    ],
    [{ KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'ann' }, 'KAFKA_SASL_MECHANISM needs KAFKA_SASL_PASSWORD'],
    [{ KAFKA_SASL_USERNAME: 'ann' }, 'KAFKA_SASL_USERNAME needs KAFKA_SASL_MECHANISM'],
    [{ KAFKA_SASL_MECHANISM: 'kerberos' }, 'KAFKA_SASL_MECHANISM must be one of plain, scram-sha-256'],
    [{ ...OAUTH, KAFKA_SASL_TOKEN_URL: '' }, 'KAFKA_SASL_MECHANISM=oauthbearer needs KAFKA_SASL_TOKEN_URL: set it'],
    [{ ...OAUTH, KAFKA_SASL_TOKEN_URL: 'http://issuer/token' }, 'KAFKA_SASL_TOKEN_URL must be an https:// address, or'],
    [{ ...OAUTH, KAFKA_SASL_MECHANISM: 'plain' }, 'KAFKA_SASL_TOKEN_URL needs KAFKA_SASL_MECHANISM=oauthbearer'],
    [
      { KAFKA_SSL_CA_FILE: CA },
      'KAFKA_SSL_CA_FILE needs KAFKA_SSL=true: set KAFKA_SSL=true, or unset KAFKA_SSL_CA_FILE',
    ],
    [{ KAFKA_SSL: 'false', KAFKA_SSL_CA_FILE: CA }, 'KAFKA_SSL_CA_FILE needs KAFKA_SSL=true'],
    [{ KAFKA_SSL: 'yes' }, 'KAFKA_SSL must be one of true, false, got "yes"'],
    [{ ...TLS, KAFKA_SSL_CERT_FILE: CERT }, 'KAFKA_SSL_CERT_FILE needs KAFKA_SSL_KEY_FILE'],
    [{ ...TLS, KAFKA_SSL_KEY_FILE: KEY }, 'KAFKA_SSL_KEY_FILE needs KAFKA_SSL_CERT_FILE'],
    [{ ...TLS, KAFKA_SSL_CA_FILE: '/no/ca.pem' }, 'got "/no/ca.pem", which does not exist: set the path'],
    [
      { ...TLS, KAFKA_SSL_CA_FILE: KEY },
      'key.pem", which contains no certificate (docs/configuration.md#kafka_ssl_ca_file)',
    ],
    [{ ...TLS, KAFKA_SSL_CA_FILE: CUT }, 'which contains a damaged certificate'],
    [
      { ...TLS, KAFKA_SSL_CERT_FILE: CERT, KAFKA_SSL_KEY_FILE: CERT },
      'which contains no readable private key (docs/configuration.md#kafka_ssl_key_file)',
    ],
    [
      { ...TLS, KAFKA_SSL_CERT_FILE: CERT, KAFKA_SSL_KEY_FILE: OTHER_KEY },
      'KAFKA_SSL_KEY_FILE does not belong to the first certificate in KAFKA_SSL_CERT_FILE: set the files of one pair',
    ],
  ])('is rejected with %j', (environment, line) => {
    const load = (): unknown => kafkaAccess(settingsOf(environment));
    expect(load).toThrow(line);
    expect(load).not.toThrow(/s3cret|PRIVATE/);
  });
});

describe('the connection to the registry', () => {
  const REGISTRY_USER = { SCHEMA_REGISTRY_USERNAME: 'ann', SCHEMA_REGISTRY_PASSWORD: 's3:cret' };
  const REGISTRY_TOKEN = { SCHEMA_REGISTRY_TOKEN: 'ab.c', SCHEMA_REGISTRY_URL: 'https://registry' };
  const url = 'https://registry';
  const basic = `Basic ${Buffer.from('ann:s3:cret').toString('base64')}`;

  it.each<[string, NodeJS.ProcessEnv, object]>([
    ['no credentials by default', {}, {}],
    ['a user', REGISTRY_USER, { authorization: basic }],
    [
      'the user of the address, which then has none',
      { SCHEMA_REGISTRY_URL: 'https://ann:s3%3Acret@registry/' },
      { url, authorization: basic },
    ],
    [
      'a token, and own authorities',
      { ...REGISTRY_TOKEN, SCHEMA_REGISTRY_CA_FILE: CA },
      { url, authorization: 'Bearer ab.c', ca: readFileSync(CA, 'utf8') },
    ],
  ])('has %s', (_, environment, access) => {
    const byDefault = { url: 'http://127.0.0.1:8081/apis/ccompat/v7' };
    expect(registryAccess(settingsOf(environment))).toEqual({ ...byDefault, ...access });
  });

  it.each<[NodeJS.ProcessEnv, string]>([
    [{ SCHEMA_REGISTRY_PASSWORD: 's3cret' }, 'SCHEMA_REGISTRY_PASSWORD needs SCHEMA_REGISTRY_USERNAME'],
    [{ SCHEMA_REGISTRY_USERNAME: 'ann' }, 'SCHEMA_REGISTRY_USERNAME needs SCHEMA_REGISTRY_PASSWORD'],
    [
      { ...REGISTRY_USER, SCHEMA_REGISTRY_TOKEN: 's3cret' },
      'SCHEMA_REGISTRY_TOKEN and SCHEMA_REGISTRY_USERNAME exclude each other: unset one of them',
    ],
    [{ SCHEMA_REGISTRY_TOKEN: 'Bearer s3cret' }, 'SCHEMA_REGISTRY_TOKEN must be a token alone'],
    [
      { SCHEMA_REGISTRY_URL: 'http://ann:s3cret@registry', SCHEMA_REGISTRY_TOKEN: 's3cret' },
      'SCHEMA_REGISTRY_TOKEN is set, and SCHEMA_REGISTRY_URL contains a user too: remove one of them',
    ],
    [{ SCHEMA_REGISTRY_CA_FILE: CA }, 'SCHEMA_REGISTRY_CA_FILE needs an https:// address in SCHEMA_REGISTRY_URL'],
  ])('is rejected with %j', (environment, line) => {
    const load = (): unknown => registryAccess(settingsOf(environment));
    expect(load).toThrow(line);
    expect(load).not.toThrow(/s3:?cret/);
  });
});
