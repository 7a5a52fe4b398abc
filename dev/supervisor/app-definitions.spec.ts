import { describe, expect, it } from '@jest/globals';
import {
  type AppContext,
  consoleDefinition,
  consumerDefinition,
  facadeDefinition,
  legacyDefinition,
  producerDefinition,
  queryApiDefinition,
} from './app-definitions.js';
import type { AppDefinition } from './apps.js';
import { appPortClaims, readStackOptions } from './stack-options.js';

const ADDRESSES = {
  KAFKA_BROKERS: '127.0.0.1:9092',
  KAFKA_CLUSTER_ID: 'abc',
  MONGODB_URI: 'mongodb://127.0.0.1:27017/orders',
};
const USERS = { LOG_LEVEL: 'debug', SCHEMA_REGISTRY_URL: 'http://given', PORT: '9' };
const FILES = {
  TOPIC_PARTITIONS_FILE: '/6',
  PAGE_TOKEN_SECRET_FILE: '/secret',
  LEGACY_DATA_DIR_FILE: '/folder',
  PORT_FILE: '/port',
  ISSUER_KEYS_FILE: '/keys',
  MONGODB_URI_FILE: '/uri',
};
/** Apps by name, with the flags of `npm start`, its settings, and variables that an app only passes on. */
interface Case {
  readonly flags?: string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly passed?: NodeJS.ProcessEnv;
  readonly addresses?: AppContext['addresses'];
}

const DEFINITIONS = {
  producer: producerDefinition,
  consumer: (context: AppContext): AppDefinition => consumerDefinition(context, 2),
  queryApi: queryApiDefinition,
  console: consoleDefinition,
  facade: facadeDefinition,
  legacy: legacyDefinition,
};

function define(
  app: keyof typeof DEFINITIONS,
  { flags = [], env = {}, passed = {}, addresses = ADDRESSES }: Case = {},
): AppDefinition {
  return DEFINITIONS[app]({
    options: readStackOptions(flags, env, '/project'),
    addresses,
    partitions: 12,
    pageTokenSecret: 'kept',
    startedAt: new Date('2026-01-31T12:00:00Z'),
    env: { ...USERS, ...env, ...passed },
  });
}

const LEGACY = {
  flags: ['--legacy', '--auth'],
  env: { FACADE_PORT: '4005', LEGACY_PORT: '4010', LISTEN_HOST: '0.0.0.0' },
};
const FORBIDDEN = { env: { ALLOW_FAULT_INJECTION: 'false' } };

describe('the variables of an app', () => {
  it.each<[keyof typeof DEFINITIONS, Case, NodeJS.ProcessEnv]>([
    ['producer', {}, { ...ADDRESSES, TOPIC_PARTITIONS: '12', PORT: '3001' }],
    ['producer', {}, { LOG_LEVEL: 'debug', SCHEMA_REGISTRY_URL: 'http://given' }],
    ['producer', { passed: { ADMIN_PORT: '9' } }, { ADMIN_PORT: '' }],
    ['producer', { env: { QUERY_API_PORT: '4000' } }, { QUERY_API_PUBLIC_URL: 'http://127.0.0.1:4000' }],
    ['producer', { env: { QUERY_API_PUBLIC_URL: 'https://api' } }, { QUERY_API_PUBLIC_URL: 'https://api' }],
    ['producer', { passed: FILES, addresses: {} }, { MONGODB_URI_FILE: '/uri' }],
    ['producer', {}, { ALLOW_FAULT_INJECTION: 'true' }],
    ['producer', FORBIDDEN, FORBIDDEN.env],
    ['console', {}, { ALLOW_FAULT_INJECTION: 'true', PORT: '3002', SCALED_BY: 'supervisor' }],
    ['console', FORBIDDEN, FORBIDDEN.env],
    ['console', LEGACY, { FACADE_URL: 'http://127.0.0.1:4005' }],
    ['consumer', {}, { PORT: '0', INSTANCE_NAME: 'consumer-2' }],
    ['consumer', { flags: ['--in-flight', '500'] }, { IN_FLIGHT_LIMIT: '500' }],
    ['queryApi', { env: { QUERY_API_PORT: '4000' } }, { PORT: '4000', PAGE_TOKEN_SECRET: 'kept' }],
    [
      'queryApi',
      { passed: FILES },
      { TOPIC_PARTITIONS: '12', PAGE_TOKEN_SECRET_FILE: '/secret', ISSUER_KEYS_FILE: '/keys' },
    ],
    ['legacy', LEGACY, { PORT: '4010', LEGACY_DATA_DIR: '/project/.data/db_files' }],
    ['legacy', { passed: { LEGACY_DATA_DIR: '/elsewhere' } }, { LEGACY_DATA_DIR: '/elsewhere' }],
    ['facade', LEGACY, { LISTEN_HOST: '127.0.0.1', PORT: '4005', LEGACY_URL: 'http://127.0.0.1:4010' }],
    ['facade', LEGACY, { PRODUCER_URL: 'http://127.0.0.1:3001', QUERY_API_URL: 'http://127.0.0.1:3000' }],
    ['facade', LEGACY, { FACADE_CLIENT_ID: 'orders-demo' }],
  ])('of the %s with %j contain %j', (app, given, env) => {
    expect(define(app, given).env).toMatchObject(env);
  });

  it.each<[keyof typeof DEFINITIONS, Case, string[]]>([
    ['queryApi', { passed: FILES }, ['PAGE_TOKEN_SECRET', 'TOPIC_PARTITIONS_FILE', 'PORT_FILE', 'MONGODB_URI_FILE']],
    ['legacy', { passed: FILES }, ['LEGACY_DATA_DIR']],
    ['consumer', {}, ['PAGE_TOKEN_SECRET']],
    ['facade', {}, ['FACADE_CLIENT_SECRET']],
    ['console', {}, ['FACADE_URL']],
  ])('of the %s with %j do not contain %j', (app, given, names) => {
    expect(names.filter((name) => name in define(app, given).env)).toEqual([]);
  });

  it('go with a name, and for the facade with a job of its own', () => {
    expect(define('consumer').name).toBe('consumer-2');
    expect([define('facade', LEGACY).job, define('legacy', LEGACY).job]).toEqual(['facade', undefined]);
  });

  it.each([
    ['500', 328],
    ['20000', 528],
  ])('of a consumer with %s in flight go with a heap of %i MiB', (limit, oldMiB) => {
    expect(define('consumer', { flags: ['--in-flight', limit] }).heap.oldMiB).toBe(oldMiB);
  });

  it.each<[string[], string[]]>([
    [[], ['PRODUCER_PORT', 'QUERY_API_PORT', 'CONSOLE_PORT']],
    [['--legacy'], ['PRODUCER_PORT', 'QUERY_API_PORT', 'CONSOLE_PORT', 'FACADE_PORT', 'LEGACY_PORT']],
    [['--auth'], ['ISSUER_PORT', 'PRODUCER_PORT', 'QUERY_API_PORT', 'CONSOLE_PORT']],
  ])('with the flags %j need ports of %j', (flags, settings) => {
    const claims = appPortClaims(readStackOptions(flags, { QUERY_API_PORT: '4000' }, '/project'));
    expect(claims.map(({ setting }) => setting)).toEqual(settings);
    expect(claims.find(({ setting }) => setting === 'QUERY_API_PORT')?.port).toBe(4_000);
  });
});
