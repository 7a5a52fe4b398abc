import { describe, expect, it } from '@jest/globals';
import { idOf } from '#orders/testing/an-order.js';
import { runCommandLine } from './command-line.js';
import { operationId } from './environment.js';
import { readReconcileSettings } from './settings.js';

async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const lines: string[] = [];
  const failures: string[] = [];
  const code = await runCommandLine(args, {
    env,
    print: (line) => void lines.push(line),
    printError: (line) => void failures.push(line),
  });
  return { code, lines, failures: failures.join('\n') };
}

describe('npm run admin -- roles', () => {
  it('prints the commands for MongoDB and Kafka without a connection', async () => {
    const { code, lines } = await run(['roles', '--db', 'shop', '--kafka-user', 'producer=emitter']);
    expect(code).toBe(0);
    const role = lines.find((line) => line.includes('"createRole":"orders-query-api"'));
    expect(role).toMatch(/^db\.getSiblingDB\('admin'\)\.runCommand\(\{.*"db":"shop","collection":"orders".*\}\)$/);
    expect(lines.filter((line) => line.includes('User:emitter '))).toHaveLength(4);
    expect(lines.join('\n')).not.toContain('User:orders-producer');
  });

  it('rejects an unknown service', async () => {
    const { code, failures } = await run(['roles', '--kafka-user', 'printer=emitter']);
    expect([code, failures]).toEqual([2, expect.stringContaining('Give SERVICE=NAME, with one of producer, consumer')]);
  });
});

describe('npm run reconcile', () => {
  it('has exit code 1 for a failure, which is no verdict', async () => {
    const { code, lines, failures } = await run(['reconcile', idOf(0xa)], { KAFKA_PORT: '0', MONGODB_URI: 'there' });
    expect([code, lines]).toEqual([1, []]);
    expect(failures).toMatch(/KAFKA_PORT must be .*\n.*MONGODB_URI must be/);
  });

  it('accepts the id of an operation in capitals', () => {
    expect(operationId(idOf(0xa).toUpperCase())).toBe(idOf(0xa));
  });

  const ports = { MONGODB_PORT: '4017', KAFKA_PORT: '4092' };

  it.each([
    ['the servers of `npm start`', {}, 'mongodb://127.0.0.1:27017/orders', ['127.0.0.1:9092']],
    ['those at its ports', { ...ports, MONGODB_URI: '' }, 'mongodb://127.0.0.1:4017/orders', ['127.0.0.1:4092']],
    [
      'your own servers, whatever the ports are',
      { ...ports, MONGODB_URI: 'mongodb://there/orders', KAFKA_BROKERS: 'there:1,there:2' },
      'mongodb://there/orders',
      ['there:1', 'there:2'],
    ],
  ])('reads %s', (_, env, uri, brokers) => {
    expect(readReconcileSettings(env)).toEqual({ MONGODB_URI: uri, KAFKA_BROKERS: brokers, KAFKA_SSL: 'false' });
  });

  it('reads settings from files', () => {
    const env = { MONGODB_URI_FILE: '/nowhere/uri', KAFKA_BROKERS_FILE: '/nowhere/brokers' };
    expect(() => readReconcileSettings(env)).toThrow(
      /The file of MONGODB_URI_FILE does not exist.*\n.*The file of KAFKA_BROKERS_FILE does not exist/,
    );
  });
});
