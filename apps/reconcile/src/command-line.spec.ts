import { describe, expect, it } from '@jest/globals';
import { idOf } from '#orders/testing/an-order.js';
import { UnknownOperationError } from '#reconcile/reconcile.js';
import { exitCodeOf, readCommandLine } from './command-line.js';
import { readSettings } from './settings.js';

const ID = idOf(0xa);

describe('the command line of reconcile', () => {
  it.each([
    [[ID.toUpperCase()], { operationId: ID, json: false }],
    [['--json', ID], { operationId: ID, json: true }],
    [[ID, '--archive', '/mnt/orders'], { operationId: ID, json: false, archive: '/mnt/orders' }],
  ])('may be %j', (args, options) => {
    expect(readCommandLine(args)).toEqual(options);
  });

  it('has exit code 1 for an operation that does not exist, and for any other failure', () => {
    expect([new UnknownOperationError('x'), new Error('no MongoDB')].map(exitCodeOf)).toEqual([1, 1]);
  });
});

describe('the settings of reconcile', () => {
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
  ])('are %s', (_, env, uri, brokers) => {
    expect(readSettings(env)).toEqual({ MONGODB_URI: uri, KAFKA_BROKERS: brokers, KAFKA_SSL: 'false' });
  });

  it.each([
    [
      'can come from files',
      { MONGODB_URI_FILE: '/nowhere/uri', KAFKA_BROKERS_FILE: '/nowhere/brokers' },
      /The file of MONGODB_URI_FILE does not exist.*\n.*The file of KAFKA_BROKERS_FILE does not exist/,
    ],
    [
      'are rejected all at once',
      { KAFKA_PORT: '0', MONGODB_URI: 'there' },
      /KAFKA_PORT must be .*\n.*MONGODB_URI must be/,
    ],
  ])('%s', (_, env, message) => {
    expect(() => readSettings(env)).toThrow(message);
  });
});
