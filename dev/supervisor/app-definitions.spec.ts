import { describe, expect, it } from '@jest/globals';
import {
  appPortClaims,
  consoleDefinition,
  consumerDefinition,
  facadeDefinition,
  legacyDefinition,
  producerDefinition,
  queryApiDefinition,
} from './app-definitions.js';
import { readStackOptions } from './stack-options.js';

const options = readStackOptions(['--in-flight', '500'], { QUERY_API_PORT: '4000' }, '/project');
const context = {
  options,
  addresses: {
    KAFKA_BROKERS: '127.0.0.1:9092',
    KAFKA_CLUSTER_ID: 'abc',
    MONGODB_URI: 'mongodb://127.0.0.1:27017/orders',
  },
  partitions: 12,
  pageTokenSecret: 'kept',
  startedAt: new Date('2026-01-31T12:00:00Z'),
  env: { LOG_LEVEL: 'debug', SCHEMA_REGISTRY_URL: 'http://given', PORT: '9' },
};

describe('the variables of an app', () => {
  it('contain the addresses of the embedded servers and the cluster id', () => {
    expect(producerDefinition(context).env).toMatchObject({
      KAFKA_BROKERS: '127.0.0.1:9092',
      KAFKA_CLUSTER_ID: 'abc',
      TOPIC_PARTITIONS: '12',
    });
  });

  it('contain the environment of the user', () => {
    expect(producerDefinition(context).env).toMatchObject({ LOG_LEVEL: 'debug', SCHEMA_REGISTRY_URL: 'http://given' });
  });

  it('name no file for what is set here, and are left to the file of the user otherwise', () => {
    const env = { TOPIC_PARTITIONS_FILE: '/6', PAGE_TOKEN_SECRET_FILE: '/secret', LEGACY_DATA_DIR_FILE: '/folder' };
    const files = {
      ...context,
      env: { ...env, PORT_FILE: '/port', ISSUER_KEYS_FILE: '/keys', MONGODB_URI_FILE: '/uri' },
    };
    const { env: api } = queryApiDefinition(files);
    expect(api).toMatchObject({ TOPIC_PARTITIONS: '12', PAGE_TOKEN_SECRET_FILE: '/secret', ISSUER_KEYS_FILE: '/keys' });
    for (const name of ['PAGE_TOKEN_SECRET', 'TOPIC_PARTITIONS_FILE', 'PORT_FILE', 'MONGODB_URI_FILE'])
      expect(api).not.toHaveProperty(name);
    expect(legacyDefinition(files).env).not.toHaveProperty('LEGACY_DATA_DIR');
    const external = { ...files, addresses: {} };
    expect(producerDefinition(external).env).toHaveProperty('MONGODB_URI_FILE', '/uri');
  });

  it('give each app its own port, and consumers any free port', () => {
    expect(producerDefinition({ ...context, env: { ADMIN_PORT: '9' } }).env['ADMIN_PORT']).toBe('');
    expect(producerDefinition(context).env['PORT']).toBe('3001');
    expect(queryApiDefinition(context).env['PORT']).toBe('4000');
    expect(consumerDefinition(context, 2).env['PORT']).toBe('0');
    expect(appPortClaims(options).map(({ port }) => port)).toEqual([3001, 4000, 3002]);
  });

  it('give the producer the address at which clients reach the query API, unless the user does', () => {
    expect(producerDefinition(context).env).toMatchObject({ QUERY_API_PUBLIC_URL: 'http://127.0.0.1:4000' });
    const env = { ...context.env, QUERY_API_PUBLIC_URL: 'https://orders.example' };
    expect(producerDefinition({ ...context, env }).env).toMatchObject({
      QUERY_API_PUBLIC_URL: 'https://orders.example',
    });
  });

  it('contain the name of each consumer and, for the console, who can scale consumers', () => {
    expect(consumerDefinition(context, 2).env['INSTANCE_NAME']).toBe('consumer-2');
    expect(consoleDefinition(context).env).toMatchObject({ PORT: '3002', SCALED_BY: 'supervisor' });
  });

  it('allow faulty records in this development stack, unless the user forbids them', () => {
    for (const definition of [producerDefinition, consoleDefinition]) {
      expect(definition(context).env).toMatchObject({ ALLOW_FAULT_INJECTION: 'true' });
      const env = { ...context.env, ALLOW_FAULT_INJECTION: 'false' };
      expect(definition({ ...context, env }).env).toMatchObject({ ALLOW_FAULT_INJECTION: 'false' });
    }
  });

  it('pass the settings of the flags to the consumers, and the secret of page tokens only to the query API', () => {
    expect(consumerDefinition(context, 2)).toMatchObject({ name: 'consumer-2', env: { IN_FLIGHT_LIMIT: '500' } });
    expect(consumerDefinition(context, 2).env).not.toHaveProperty('PAGE_TOKEN_SECRET');
    expect(queryApiDefinition(context).env).toMatchObject({ PAGE_TOKEN_SECRET: 'kept' });
  });

  it('give the legacy system its own port, and a folder in the data directory unless another one is set', () => {
    const legacy = { ...context, options: readStackOptions(['--legacy'], { LEGACY_PORT: '4010' }, '/project') };
    const definition = legacyDefinition(legacy);
    expect(definition.env).toMatchObject({ PORT: '4010', LEGACY_DATA_DIR: '/project/.data/db_files' });
    expect(definition.job).toBeUndefined();
    expect(appPortClaims(legacy.options).map(({ setting }) => setting)).toContain('LEGACY_PORT');
    const env = { ...context.env, LEGACY_DATA_DIR: '/elsewhere' };
    expect(legacyDefinition({ ...legacy, env }).env).toMatchObject({ LEGACY_DATA_DIR: '/elsewhere' });
  });

  it('give the facade the addresses of both sides, and with --auth a client of the development issuer', () => {
    const flags = ['--legacy', '--auth'];
    const env = { FACADE_PORT: '4005', LEGACY_PORT: '4010', LISTEN_HOST: '0.0.0.0' };
    const facade = { ...context, options: readStackOptions(flags, env, '/project') };
    expect(facadeDefinition(facade)).toMatchObject({
      job: 'facade',
      env: {
        LISTEN_HOST: '127.0.0.1',
        PORT: '4005',
        LEGACY_URL: 'http://127.0.0.1:4010',
        PRODUCER_URL: 'http://127.0.0.1:3001',
        QUERY_API_URL: 'http://127.0.0.1:3000',
        FACADE_CLIENT_ID: 'orders-demo',
      },
    });
    expect(facadeDefinition(context).env).not.toHaveProperty('FACADE_CLIENT_SECRET');
    expect(consoleDefinition(facade).env).toMatchObject({ FACADE_URL: 'http://127.0.0.1:4005' });
    expect(consoleDefinition(context).env).not.toHaveProperty('FACADE_URL');
    expect(appPortClaims(facade.options).map(({ setting }) => setting)).toContain('FACADE_PORT');
  });

  it('give a consumer a larger heap for a higher in-flight limit', () => {
    expect(consumerDefinition(context, 1).heap.oldMiB).toBe(328);
    const wide = { ...context, options: readStackOptions(['--in-flight', '20000'], {}, '/project') };
    expect(consumerDefinition(wide, 1).heap.oldMiB).toBe(528);
  });
});
