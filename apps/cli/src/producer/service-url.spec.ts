import { describe, expect, it } from '@jest/globals';
import { defaultConsoleUrl, defaultProducerUrl, serviceUrl } from './service-url.js';

describe('the address of a service', () => {
  it('is ORDERS_URL, else that of `npm start` with its port setting', () => {
    expect(defaultProducerUrl({})).toBe('http://127.0.0.1:3001');
    expect(defaultProducerUrl({ ORDERS_URL: '', PRODUCER_PORT: '4001' })).toBe('http://127.0.0.1:4001');
    expect(defaultProducerUrl({ ORDERS_URL: 'http://there', PRODUCER_PORT: '4001' })).toBe('http://there');
  });

  it('of the console is ORDERS_CONSOLE_URL, else that of `npm start`', () => {
    expect(defaultConsoleUrl({})).toBe('http://127.0.0.1:3002');
    expect(defaultConsoleUrl({ CONSOLE_PORT: '4002' })).toBe('http://127.0.0.1:4002');
    expect(defaultConsoleUrl({ ORDERS_CONSOLE_URL: 'http://there' })).toBe('http://there');
  });

  it('may have a path and a trailing slash', () => {
    expect(serviceUrl('http://127.0.0.1:3001/')).toBe('http://127.0.0.1:3001');
    expect(serviceUrl('https://there/producer/')).toBe('https://there/producer');
  });

  it('is rejected without showing its credentials', () => {
    const rejected = { message: '"…@there" is not the address of a service.' };
    expect(() => serviceUrl('http://me:s3cret@there')).toThrow(expect.objectContaining(rejected));
    expect(() => serviceUrl('http://me:s3/@ret@there')).toThrow(expect.objectContaining(rejected));
  });

  it.each(['localhost:3001', '3001', 'ftp://there', 'http://there?x=1', 'http://me@there'])('is not %s', (text) => {
    expect(() => serviceUrl(text)).toThrow(expect.objectContaining({ code: 'bad-url', exitCode: 2 }));
  });
});
