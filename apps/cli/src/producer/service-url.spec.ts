import { describe, expect, it } from '@jest/globals';
import { defaultProducerUrl, producerUrl } from './producer-url.js';

describe('the address of the producer', () => {
  it('is ORDERS_URL, else that of `npm start`, whose port is a setting', () => {
    expect(defaultProducerUrl({})).toBe('http://127.0.0.1:3001');
    expect(defaultProducerUrl({ ORDERS_URL: '', PRODUCER_PORT: '4001' })).toBe('http://127.0.0.1:4001');
    expect(defaultProducerUrl({ ORDERS_URL: 'http://there', PRODUCER_PORT: '4001' })).toBe('http://there');
  });

  it('may have a path, and a slash at its end', () => {
    expect(producerUrl('http://127.0.0.1:3001/')).toBe('http://127.0.0.1:3001');
    expect(producerUrl('https://there/producer/')).toBe('https://there/producer');
  });

  it.each(['localhost:3001', '3001', 'ftp://there', 'http://there?x=1', 'http://me@there'])('is not %s', (text) => {
    expect(() => producerUrl(text)).toThrow(expect.objectContaining({ code: 'bad-url', exitCode: 2 }));
  });
});
