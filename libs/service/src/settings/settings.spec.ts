import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { kafkaSettings } from './kafka-settings.js';
import { SettingsError, loadSettings, wholeNumber, describeSettings } from './settings.js';
import { httpSettings, mongoSettings } from './service-settings.js';

const Schema = z.object({ ...httpSettings(3_000), ...mongoSettings, ...kafkaSettings });

function messageOf(environment: NodeJS.ProcessEnv, schema: z.ZodObject = Schema): string {
  try {
    loadSettings(schema, environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error('was not rejected');
}

describe('settings', () => {
  it('have working defaults, also for a variable that is set but empty', () => {
    expect(loadSettings(Schema, { PORT: '', KAFKA_CLUSTER_ID: '' })).toEqual({
      LISTEN_HOST: '127.0.0.1',
      PORT: 3_000,
      TRUST_PROXY: [],
      ALLOWED_HOSTS: [],
      CORS_ORIGINS: [],
      RATE_LIMIT_PER_MINUTE: 120_000,
      REQUEST_TIMEOUT_SECONDS: 30,
      UPLOAD_MIN_BYTES_PER_SECOND: 1_000,
      DRAIN_GRACE_SECONDS: 2,
      LOG_LEVEL: 'info',
      MONGODB_URI: 'mongodb://127.0.0.1:27017/orders',
      KAFKA_BROKERS: ['127.0.0.1:9092'],
      KAFKA_CLIENT: 'kafkajs',
      KAFKA_SSL: 'false',
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8081/apis/ccompat/v7',
      TOPIC_REPLICATION_FACTOR: 3,
      TOPIC_MIN_INSYNC_REPLICAS: 2,
    });
  });

  it('accept comma-separated lists', () => {
    const { ALLOWED_HOSTS } = loadSettings(Schema, { ALLOWED_HOSTS: 'orders.example, [::1],' });
    expect(ALLOWED_HOSTS).toEqual(['orders.example', '[::1]']);
  });

  it('accept addresses and subnets of proxies, and nothing that could be mistaken for one', () => {
    const { TRUST_PROXY } = loadSettings(Schema, { TRUST_PROXY: '10.0.0.0/8, ::1,192.168.0.7,fd00::/8' });
    expect(TRUST_PROXY).toEqual(['10.0.0.0/8', '::1', '192.168.0.7', 'fd00::/8']);
    for (const bad of ['true', '1', 'gateway', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/8/8', '10.0.0.0/', '::/129'])
      expect(() => loadSettings(Schema, { TRUST_PROXY: bad })).toThrow('TRUST_PROXY must be IP addresses and subnets');
  });

  it('name each wrong variable once, with its value, what is allowed, and where it is documented', () => {
    const bad = { PORT: '70000', KAFKA_BROKERS: 'a:1,b', TOPIC_PARTITIONS: '1.5', LOG_LEVEL: 'loud' };
    expect(messageOf(bad)).toBe(`Invalid settings:
  PORT must be an integer from 0 to 65,535, got "70000" (docs/configuration.md#port)
  LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, got "loud" (docs/configuration.md#log_level)
  KAFKA_BROKERS must be host:port, separated by commas, got "a:1,b" (docs/configuration.md#kafka_brokers)
  TOPIC_PARTITIONS must be an integer from 1 to 10,000, got "1.5" (docs/configuration.md#topic_partitions)`);
  });

  it('never show a secret, nor an address with a password in a setting that usually has none', () => {
    const bad = {
      MONGODB_URI: 'mongo://me:s3cret',
      SCHEMA_REGISTRY_URL: 's3cret',
      CORS_ORIGINS: 'https://me:s3cret@there?',
    };
    const message = messageOf(bad);
    expect(message).not.toContain('s3cret');
    for (const name of Object.keys(bad))
      expect(message).toMatch(new RegExp(`^  ${name} must be .*, got a value that may be secret \\(`, 'm'));
  });

  it('reject a file of authorities of MongoDB that is missing or has no certificate, without the address', () => {
    const message = messageOf({ MONGODB_URI: 'mongodb://me:s3cret@there/orders?tls=true&tlsCAFile=/nowhere' });
    expect(message).toContain('MONGODB_URI must be an address that begins with mongodb:// or mongodb+srv://, got');
    expect(message).toContain('which names a tlsCAFile that does not exist: set the path of an existing file');
    expect(message).not.toContain('s3cret');
    const empty = `mongodb://there/orders?tlsCAFile=${encodeURIComponent(import.meta.filename)}`;
    expect(messageOf({ MONGODB_URI: empty })).toContain('which names a tlsCAFile that contains no certificate');
  });

  it('with a removed name are rejected with the new name, along with all other wrong ones', () => {
    const IN_FLIGHT_OVERRIDES_SINCE = z.string().optional();
    const Renamed = Schema.extend({ IN_FLIGHT_OVERRIDES_SINCE });
    expect(messageOf({ IN_FLIGHT_WISHES_SINCE: '2026-01-31', PORT: 'x' }, Renamed)).toBe(`Invalid settings:
  IN_FLIGHT_WISHES_SINCE was renamed: set IN_FLIGHT_OVERRIDES_SINCE instead (docs/configuration.md#in_flight_overrides_since)
  PORT must be an integer from 0 to 65,535, got "x" (docs/configuration.md#port)`);
    expect(() => loadSettings(Renamed, { IN_FLIGHT_WISHES_SINCE: '2026-01-31' })).toThrow(SettingsError);
    expect(loadSettings(Renamed, { IN_FLIGHT_WISHES_SINCE: '' })).toMatchObject({ PORT: 3_000 });
  });

  it('with a removed name are ignored by a service that never read it', () => {
    expect(loadSettings(Schema, { IN_FLIGHT_WISHES_SINCE: '2026-01-31' })).toMatchObject({ PORT: 3_000 });
  });
});

describe('a setting from a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'settings-'));
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has its content without one newline at the end, and is checked like one from the environment', () => {
    const files = {
      MONGODB_URI_FILE: file('uri', 'mongodb://me:s3cret@db/orders\n'),
      KAFKA_SASL_PASSWORD_FILE: file('password', ' s3cret \n\n'),
      KAFKA_SASL_USERNAME_FILE: file('user', 'ann\r\n'),
      KAFKA_SASL_MECHANISM: 'plain',
      PORT_FILE: file('port', '70'),
    };
    expect(loadSettings(Schema, files)).toMatchObject({
      MONGODB_URI: 'mongodb://me:s3cret@db/orders',
      KAFKA_SASL_PASSWORD: ' s3cret \n',
      KAFKA_SASL_USERNAME: 'ann',
      PORT: 70,
    });
    const bad = { MONGODB_URI_FILE: file('bad', 's3cret'), PORT_FILE: file('bad-port', 's3cret') };
    expect(messageOf(bad)).toBe(`Invalid settings:
  PORT must be an integer from 0 to 65,535, got the content of the file of PORT_FILE (docs/configuration.md#port)
  MONGODB_URI must be an address that begins with mongodb:// or mongodb+srv://, got the content of the file of MONGODB_URI_FILE (docs/configuration.md#mongodb_uri)`);
  });

  it('is rejected in one line if it is set twice, or its file is missing, empty or a folder; no line has a value', () => {
    const bad = {
      MONGODB_URI: 'mongodb://s3cret',
      MONGODB_URI_FILE: file('uri', 'mongodb://s3cret'),
      KAFKA_BROKERS_FILE: join(folder, 's3cret'),
      SCHEMA_REGISTRY_URL_FILE: file('empty', '\n'),
      KAFKA_CLUSTER_ID_FILE: folder,
      LOG_LEVEL: 'loud',
    };
    expect(messageOf(bad)).toBe(`Invalid settings:
  MONGODB_URI and MONGODB_URI_FILE are both set: unset one of them (docs/configuration.md#mongodb_uri)
  The file of KAFKA_BROKERS_FILE does not exist: set the path of an existing file (docs/configuration.md#kafka_brokers)
  The file of SCHEMA_REGISTRY_URL_FILE is empty: write the value into it (docs/configuration.md#schema_registry_url)
  The file of KAFKA_CLUSTER_ID_FILE is a folder: set the path of a file in it (docs/configuration.md#kafka_cluster_id)
  LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, got "loud" (docs/configuration.md#log_level)`);
  });

  it('is none if X or X_FILE is empty, or if X_FILE is a setting of its own', () => {
    const Keys = z.object({ KEYS: z.string().optional(), KEYS_FILE: z.string().optional() });
    expect(loadSettings(Keys, { KEYS_FILE: '/nowhere' })).toEqual({ KEYS_FILE: '/nowhere' });
    expect(loadSettings(Schema, { PORT: '', PORT_FILE: file('port', '71') }).PORT).toBe(71);
    expect(loadSettings(Schema, { PORT: '72', PORT_FILE: '' }).PORT).toBe(72);
  });
});

describe('the documentation of a setting', () => {
  const COUNT = wholeNumber(1, 2_000).default(7).meta({ description: 'How many.' });
  const names = z
    .string()
    .default('a,b')
    .transform((text) => text.split(','));
  const LIST = names.meta({ description: 'Names.', allowed: 'names', secret: true });
  const LEVEL = z.enum(['low', 'high']).optional().meta({ description: 'How much.', perProcess: true });
  const random = z.string().default(() => 'made up');
  const KEY = random.meta({ description: 'A key.', allowed: 'a key', shownDefault: 'random' });
  const plain = { secret: false, perProcess: false, needs: [], excludes: [] };

  it.each([
    [
      'the range of a number, and its default',
      'COUNT',
      { ...plain, description: 'How many.', allowed: 'an integer from 1 to 2,000', shownDefault: '7' },
    ],
    [
      'a default as it is written in the environment, not as it is parsed',
      'LIST',
      { ...plain, description: 'Names.', allowed: 'names', shownDefault: 'a,b', secret: true },
    ],
    [
      'the values of an enumeration, and no default if there is none',
      'LEVEL',
      { ...plain, description: 'How much.', allowed: 'one of low, high', shownDefault: '', perProcess: true },
    ],
    [
      'a description of a default that is chosen at each start',
      'KEY',
      { ...plain, description: 'A key.', allowed: 'a key', shownDefault: 'random' },
    ],
  ])('has %s', (_, name, documentation) => {
    expect(describeSettings(z.object({ COUNT, LIST, LEVEL, KEY })).get(name)).toEqual(documentation);
  });
});
