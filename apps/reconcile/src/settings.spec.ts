import { describe, expect, it } from '@jest/globals';
import { readSettings } from './settings.js';

describe('the settings of reconcile', () => {
  it('are the servers of `npm start`, at its ports', () => {
    expect(readSettings({})).toEqual({
      MONGODB_URI: 'mongodb://127.0.0.1:27017/orders',
      KAFKA_BROKERS: ['127.0.0.1:9092'],
      KAFKA_SSL: 'false',
    });
    expect(readSettings({ MONGODB_PORT: '4017', KAFKA_PORT: '4092', MONGODB_URI: '' })).toMatchObject({
      MONGODB_URI: 'mongodb://127.0.0.1:4017/orders',
      KAFKA_BROKERS: ['127.0.0.1:4092'],
    });
  });

  it('are your own servers, whatever the ports are', () => {
    const own = { MONGODB_URI: 'mongodb://there/orders', KAFKA_BROKERS: 'there:1,there:2' };
    expect(readSettings({ ...own, MONGODB_PORT: '4017', KAFKA_PORT: '4092' })).toMatchObject({
      MONGODB_URI: 'mongodb://there/orders',
      KAFKA_BROKERS: ['there:1', 'there:2'],
    });
  });

  it('can come from files', () => {
    const missing = { MONGODB_URI_FILE: '/nowhere/uri', KAFKA_BROKERS_FILE: '/nowhere/brokers' };
    expect(() => readSettings(missing)).toThrow(
      /The file of MONGODB_URI_FILE does not exist.*\n.*The file of KAFKA_BROKERS_FILE does not exist/,
    );
  });

  it('are rejected all at once', () => {
    const bad = { KAFKA_PORT: '0', MONGODB_URI: 'there' };
    expect(() => readSettings(bad)).toThrow(/KAFKA_PORT must be .*\n.*MONGODB_URI must be/);
  });
});
