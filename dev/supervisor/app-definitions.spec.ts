import { describe, expect, it } from '@jest/globals';
import {
  appPortClaims,
  consoleDefinition,
  consumerDefinition,
  facadeDefinition,
  legacyDefinition,
  producerDefinition,
  queryApiDefinition,
  type AppContext,
} from './app-definitions.js';
import type { AppDefinition } from './app-process.js';
import { readStackOptions } from './stack-options.js';

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
const FAULTS = 'ALLOW_FAULT_INJECTION';
const PUBLIC_URL = 'QUERY_API_PUBLIC_URL';

interface Case {
  readonly of: (context: AppContext) => AppDefinition;
  /** The flags of `npm start`. */
  readonly flags?: string[];
  /** The settings of `npm start`, and the environment of the apps. */
  readonly env?: NodeJS.ProcessEnv;
  /** What an app only passes on. */
  readonly passed?: NodeJS.ProcessEnv;
  readonly addresses?: AppContext['addresses'];
}

function contextOf({ flags = [], env = {}, passed = {}, addresses = ADDRESSES }: Omit<Case, 'of'>): AppContext {
  return {
    options: readStackOptions(flags, env, '/project'),
    addresses,
    partitions: 12,
    pageTokenSecret: 'kept',
    startedAt: new Date('2026-01-31T12:00:00Z'),
    env: { ...USERS, ...env, ...passed },
  };
}

const consumer = (context: AppContext): AppDefinition => consumerDefinition(context, 2);
const legacyEnv = { FACADE_PORT: '4005', LEGACY_PORT: '4010', LISTEN_HOST: '0.0.0.0' };
const withLegacy = { flags: ['--legacy', '--auth'], env: legacyEnv };

describe('the variables of an app', () => {
  it.each<[string, Case, NodeJS.ProcessEnv]>([
    [
      'the addresses of the embedded servers, the cluster id and the partitions',
      { of: producerDefinition },
      { ...ADDRESSES, TOPIC_PARTITIONS: '12' },
    ],
    [
      'the environment of the user',
      { of: producerDefinition },
      { LOG_LEVEL: 'debug', SCHEMA_REGISTRY_URL: 'http://given' },
    ],
    ['the port of the producer', { of: producerDefinition }, { PORT: '3001' }],
    ['no other port for administrators', { of: producerDefinition, passed: { ADMIN_PORT: '9' } }, { ADMIN_PORT: '' }],
    ['the port of the query API', { of: queryApiDefinition, env: { QUERY_API_PORT: '4000' } }, { PORT: '4000' }],
    [
      'for a consumer its name, any free port, and the settings of the flags',
      { of: consumer, flags: ['--in-flight', '500'] },
      { PORT: '0', INSTANCE_NAME: 'consumer-2', IN_FLIGHT_LIMIT: '500' },
    ],
    ['for the console, who can scale consumers', { of: consoleDefinition }, { PORT: '3002', SCALED_BY: 'supervisor' }],
    ['for the query API, the secret of page tokens', { of: queryApiDefinition }, { PAGE_TOKEN_SECRET: 'kept' }],
    [
      'the address at which clients reach the query API',
      { of: producerDefinition, env: { QUERY_API_PORT: '4000' } },
      { [PUBLIC_URL]: 'http://127.0.0.1:4000' },
    ],
    [
      'the one that the user sets',
      { of: producerDefinition, env: { [PUBLIC_URL]: 'https://orders.example' } },
      { [PUBLIC_URL]: 'https://orders.example' },
    ],
    ['faulty records in this development stack', { of: producerDefinition }, { [FAULTS]: 'true' }],
    ['faulty records in its console', { of: consoleDefinition }, { [FAULTS]: 'true' }],
    ['none if the user forbids them', { of: producerDefinition, env: { [FAULTS]: 'false' } }, { [FAULTS]: 'false' }],
    ['none in its console either', { of: consoleDefinition, env: { [FAULTS]: 'false' } }, { [FAULTS]: 'false' }],
    [
      'for the legacy system its port, and a folder in the data directory',
      { of: legacyDefinition, ...withLegacy },
      { PORT: '4010', LEGACY_DATA_DIR: '/project/.data/db_files' },
    ],
    [
      'the folder that the user sets',
      { of: legacyDefinition, flags: ['--legacy'], env: { LEGACY_DATA_DIR: '/elsewhere' } },
      { LEGACY_DATA_DIR: '/elsewhere' },
    ],
    [
      'for the facade the addresses of both sides, and with --auth a client of the development issuer',
      { of: facadeDefinition, ...withLegacy },
      {
        LISTEN_HOST: '127.0.0.1',
        PORT: '4005',
        LEGACY_URL: 'http://127.0.0.1:4010',
        PRODUCER_URL: 'http://127.0.0.1:3001',
        QUERY_API_URL: 'http://127.0.0.1:3000',
        FACADE_CLIENT_ID: 'orders-demo',
      },
    ],
    [
      'for the console the address of the facade',
      { of: consoleDefinition, ...withLegacy },
      { FACADE_URL: 'http://127.0.0.1:4005' },
    ],
    [
      'no file for what is set here, and other files of the user',
      { of: queryApiDefinition, passed: FILES },
      { TOPIC_PARTITIONS: '12', PAGE_TOKEN_SECRET_FILE: '/secret', ISSUER_KEYS_FILE: '/keys' },
    ],
    [
      'the file of an external server',
      { of: producerDefinition, passed: FILES, addresses: {} },
      { MONGODB_URI_FILE: '/uri' },
    ],
  ])('contain %s', (_, { of, ...given }, env) => {
    expect(of(contextOf(given)).env).toMatchObject(env);
  });

  it.each<[string, Case, string[]]>([
    [
      'files for what is set here',
      { of: queryApiDefinition, passed: FILES },
      ['PAGE_TOKEN_SECRET', 'TOPIC_PARTITIONS_FILE', 'PORT_FILE', 'MONGODB_URI_FILE'],
    ],
    ['a folder beside that in a file', { of: legacyDefinition, passed: FILES }, ['LEGACY_DATA_DIR']],
    ['the secret of page tokens in a consumer', { of: consumer }, ['PAGE_TOKEN_SECRET']],
    ['a client of the facade without --auth', { of: facadeDefinition }, ['FACADE_CLIENT_SECRET']],
    ['the address of a facade that does not run', { of: consoleDefinition }, ['FACADE_URL']],
  ])('do not contain %s', (_, { of, ...given }, names) => {
    expect(names.filter((name) => name in of(contextOf(given)).env)).toEqual([]);
  });

  it('go with a name, and for the facade with a job of its own', () => {
    expect(consumer(contextOf({})).name).toBe('consumer-2');
    expect(facadeDefinition(contextOf(withLegacy)).job).toBe('facade');
    expect(legacyDefinition(contextOf(withLegacy)).job).toBeUndefined();
  });

  it('go with a larger heap of a consumer for a higher in-flight limit', () => {
    const heapOf = (limit: string) => consumer(contextOf({ flags: ['--in-flight', limit] })).heap.oldMiB;
    expect([heapOf('500'), heapOf('20000')]).toEqual([328, 528]);
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
