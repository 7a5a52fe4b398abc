import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { generate } from 'selfsigned';
import { z } from 'zod';
import type { RegistryAccess } from '#orders/order/registry-connection.js';
import { kafkaAccess } from '../kafka/kafka-access.js';
import { registryAccess } from '../kafka/registry-access.js';
import { kafkaSettings } from './kafka-settings.js';
import { loadSettings } from './settings.js';

const Schema = z.object(kafkaSettings);
const OAUTH = {
  KAFKA_SASL_MECHANISM: 'oauthbearer',
  KAFKA_SASL_USERNAME: 'orders',
  KAFKA_SASL_PASSWORD: 's3cret',
  KAFKA_SASL_TOKEN_URL: 'https://issuer/token',
};
const folder = mkdtempSync(join(tmpdir(), 'kafka-settings-'));
const [one, other] = await Promise.all([makePair(), makePair()]);
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const CA = file('ca.pem', `A comment\n${one.certificate}${other.certificate}`);
const CERT = file('cert.pem', one.certificate);
const KEY = file('key.pem', one.key);
async function makePair(): Promise<{ certificate: string; key: string }> {
  const { cert, private: key } = await generate([], { keyType: 'ec', algorithm: 'sha256' });
  return { certificate: cert, key };
}

afterAll(() => rmSync(folder, { recursive: true }));

describe('the connection to Kafka', () => {
  it('is plain and without user by default', () => {
    expect(kafkaAccess(loadSettings(Schema, {}))).toEqual({ brokers: ['127.0.0.1:9092'] });
    expect(kafkaAccess(loadSettings(Schema, { KAFKA_SSL: 'true' }))).toMatchObject({ ssl: {} });
  });

  it('has the content of the files for TLS, and a user with a password from a file', () => {
    const environment = {
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA_FILE: CA,
      KAFKA_SSL_CERT_FILE: CERT,
      KAFKA_SSL_KEY_FILE: KEY,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'ann',
      KAFKA_SASL_PASSWORD_FILE: file('password', 's3cret\n'),
    };
    expect(kafkaAccess(loadSettings(Schema, environment))).toEqual({
      brokers: ['127.0.0.1:9092'],
      ssl: { ca: readFileSync(CA, 'utf8'), cert: one.certificate, key: one.key },
      sasl: { mechanism: 'scram-sha-512', username: 'ann', password: 's3cret' },
    });
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
    [{ KAFKA_SSL: 'true', KAFKA_SSL_CERT_FILE: CERT }, 'KAFKA_SSL_CERT_FILE needs KAFKA_SSL_KEY_FILE'],
    [{ KAFKA_SSL: 'true', KAFKA_SSL_KEY_FILE: KEY }, 'KAFKA_SSL_KEY_FILE needs KAFKA_SSL_CERT_FILE'],
    [{ KAFKA_SSL: 'true', KAFKA_SSL_CA_FILE: '/no/ca.pem' }, 'got "/no/ca.pem", which does not exist: set the path'],
    [
      { KAFKA_SSL: 'true', KAFKA_SSL_CA_FILE: KEY },
      'key.pem", which contains no certificate (docs/configuration.md#kafka_ssl_ca_file)',
    ],
    [
      {
        KAFKA_SSL: 'true',
        KAFKA_SSL_CA_FILE: file('cut.pem', one.certificate.replace(/\n.{10}/, '\n')),
      },
      'which contains a damaged certificate',
    ],
    [
      { KAFKA_SSL: 'true', KAFKA_SSL_CERT_FILE: CERT, KAFKA_SSL_KEY_FILE: CERT },
      'which contains no readable private key (docs/configuration.md#kafka_ssl_key_file)',
    ],
    [
      { KAFKA_SSL: 'true', KAFKA_SSL_CERT_FILE: CERT, KAFKA_SSL_KEY_FILE: file('other.pem', other.key) },
      'KAFKA_SSL_KEY_FILE does not belong to the first certificate in KAFKA_SSL_CERT_FILE: set the files of one pair',
    ],
  ])('is rejected with %j', (environment, line) => {
    const load = (): unknown => kafkaAccess(loadSettings(Schema, environment));
    expect(load).toThrow(line);
    expect(load).not.toThrow(/s3cret|PRIVATE/);
  });
});

function access(environment: NodeJS.ProcessEnv): RegistryAccess {
  return registryAccess(loadSettings(Schema, environment));
}

describe('the connection to the registry', () => {
  it('has no credentials by default', () => {
    expect(access({})).toEqual({ url: 'http://127.0.0.1:8081/apis/ccompat/v7' });
  });

  it('has a user, a token, or the user of the address, which then has none, and own authorities', () => {
    const basic = `Basic ${Buffer.from('ann:s3:cret').toString('base64')}`;
    const user = { SCHEMA_REGISTRY_USERNAME: 'ann', SCHEMA_REGISTRY_PASSWORD: 's3:cret' };
    expect(access(user)).toMatchObject({ authorization: basic });
    expect(access({ SCHEMA_REGISTRY_URL: 'https://ann:s3%3Acret@registry/' })).toEqual({
      url: 'https://registry',
      authorization: basic,
    });
    const token = {
      SCHEMA_REGISTRY_TOKEN: 'ab.c',
      SCHEMA_REGISTRY_URL: 'https://registry',
      SCHEMA_REGISTRY_CA_FILE: CA,
    };
    expect(access(token)).toEqual({
      url: 'https://registry',
      authorization: 'Bearer ab.c',
      ca: readFileSync(CA, 'utf8'),
    });
  });

  it.each<[NodeJS.ProcessEnv, string]>([
    [{ SCHEMA_REGISTRY_PASSWORD: 's3cret' }, 'SCHEMA_REGISTRY_PASSWORD needs SCHEMA_REGISTRY_USERNAME'],
    [{ SCHEMA_REGISTRY_USERNAME: 'ann' }, 'SCHEMA_REGISTRY_USERNAME needs SCHEMA_REGISTRY_PASSWORD'],
    [
      { SCHEMA_REGISTRY_USERNAME: 'ann', SCHEMA_REGISTRY_PASSWORD: 's3cret', SCHEMA_REGISTRY_TOKEN: 's3cret' },
      'SCHEMA_REGISTRY_TOKEN and SCHEMA_REGISTRY_USERNAME exclude each other: unset one of them',
    ],
    [{ SCHEMA_REGISTRY_TOKEN: 'Bearer s3cret' }, 'SCHEMA_REGISTRY_TOKEN must be a token alone'],
    [
      { SCHEMA_REGISTRY_URL: 'http://ann:s3cret@registry', SCHEMA_REGISTRY_TOKEN: 's3cret' },
      'SCHEMA_REGISTRY_TOKEN is set, and SCHEMA_REGISTRY_URL contains a user too: remove one of them',
    ],
    [{ SCHEMA_REGISTRY_CA_FILE: CA }, 'SCHEMA_REGISTRY_CA_FILE needs an https:// address in SCHEMA_REGISTRY_URL'],
  ])('is rejected with %j', (environment, line) => {
    expect(() => access(environment)).toThrow(line);
    expect(() => access(environment)).not.toThrow(/s3cret/);
  });
});
