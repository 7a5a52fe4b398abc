import { describe, expect, it } from '@jest/globals';
import { defaultConsoleUrl, defaultFacadeUrl, defaultProducerUrl, serviceUrl } from './service-url.js';

describe('the address of a service', () => {
  it.each([
    [defaultProducerUrl, 'ORDERS_URL', 'PRODUCER_PORT', 3001],
    [defaultConsoleUrl, 'ORDERS_CONSOLE_URL', 'CONSOLE_PORT', 3002],
    [defaultFacadeUrl, 'ORDERS_FACADE_URL', 'FACADE_PORT', 3005],
  ])('is that of `npm start` with its port, unless another one is set: %p', (defaultUrl, address, portName, port) => {
    expect(defaultUrl({})).toBe(`http://127.0.0.1:${port}`);
    expect(defaultUrl({ [address]: '', [portName]: '4001' })).toBe('http://127.0.0.1:4001');
    expect(defaultUrl({ [address]: 'http://there', [portName]: '4001' })).toBe('http://there');
  });

  it('may have a path and a trailing slash', () => {
    expect(serviceUrl('http://127.0.0.1:3001/')).toBe('http://127.0.0.1:3001');
    expect(serviceUrl('https://there/producer/')).toBe('https://there/producer');
  });

  it.each(['http://me:s3cret@there', 'http://me:s3/@ret@there'])('is rejected without its credentials: %s', (text) => {
    const message = '"…@there" is not the address of a service.';
    expect(() => serviceUrl(text)).toThrow(expect.objectContaining({ message }));
  });

  it.each(['localhost:3001', '3001', 'ftp://there', 'http://there?x=1', 'http://me@there'])('is not %s', (text) => {
    expect(() => serviceUrl(text)).toThrow(expect.objectContaining({ code: 'bad-url', exitCode: 2 }));
  });
});
