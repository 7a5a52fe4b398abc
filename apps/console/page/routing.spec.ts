import { describe, expect, it } from '@jest/globals';
import { hashOf, parseAddress, sectionOf, type Address } from './routing.js';

const ID = '970844c7-0d33-82a3-ba87-000000001266';

describe('the address of a view', () => {
  it.each<[string, Address]>([
    ['#scale', { view: 'section', section: 'scale' }],
    [`#operations/${ID}`, { view: 'operation', id: ID }],
    ['#letters?error=conflict', { view: 'letters', errorCode: 'conflict', operationId: null }],
    [`#letters?error=a+b&operation=${ID}`, { view: 'letters', errorCode: 'a b', operationId: ID }],
    ['#letters/orders.v1/3/4711', { view: 'letter', id: 'orders.v1/3/4711' }],
    [`#orders/${ID}`, { view: 'order', id: ID }],
    ['#partitions/11', { view: 'partition', partition: 11 }],
    ['#orders?find=', { view: 'search', find: '', page: null }],
    ['#orders?find=500..502', { view: 'search', find: '500..502', page: null }],
    [
      '#orders?find=acme&page=%2Fv1%2Forders%3Fsymbol%3DACME%26pageToken%3Da',
      { view: 'search', find: 'acme', page: '/v1/orders?symbol=ACME&pageToken=a' },
    ],
    [
      '#orders?find=acme&page=%2Fv1%2Forders%3FpageToken%3Da&number=3',
      { view: 'search', find: 'acme', page: '/v1/orders?pageToken=a', number: 3 },
    ],
  ])('%s can be read and written', (hash, address) => {
    expect(parseAddress(hash)).toEqual(address);
    expect(hashOf(address)).toBe(hash);
  });

  it.each(['', '#', '#nothing', '#scale/4', '#operations', '#now/x', '#partitions/x'])('%j selects nothing', (hash) => {
    expect(parseAddress(hash)).toBeNull();
  });

  it.each<[string, Address]>([
    ['#orders/abc', { view: 'order', id: 'abc' }],
    ['#operations/a%2Fb', { view: 'operation', id: 'a/b' }],
    ['#operations/%', { view: 'operation', id: '%' }],
    [`#orders/${ID.toUpperCase()}`, { view: 'order', id: ID }],
  ])('%s selects also by a text that is no id, so that the view can say so', (hash, address) => {
    expect(parseAddress(hash)).toEqual(address);
  });

  it('quotes a text that is no id', () => {
    expect(hashOf({ view: 'operation', id: 'a/b' })).toBe('#operations/a%2Fb');
  });

  it('never makes the page request another path than a page of orders', () => {
    for (const path of ['/v1/dead-letters', '//elsewhere/v1/orders?', '/v1/orders/export?', 'https://elsewhere/'])
      expect(parseAddress(`#orders?find=&page=${encodeURIComponent(path)}`)).toMatchObject({ page: null });
  });

  it('has the number of a further page only, and only one that can be right', () => {
    const page = '&page=%2Fv1%2Forders%3FpageToken%3Da';
    for (const query of ['&number=3', `${page}&number=0`, `${page}&number=1.5`, `${page}&number=x`, page])
      expect(parseAddress(`#orders?find=${query}`)).not.toHaveProperty('number');
  });

  it.each([
    ['#letters', 'letters'],
    ['#letters/a/1/2', 'letters'],
    ['#partitions/3', 'partitions'],
    [`#orders/${ID}`, 'orders'],
    [`#operations/${ID}`, 'populate'],
  ])('%s is in the section %s', (hash, section) => {
    const address = parseAddress(hash);
    expect(address && sectionOf(address)).toBe(section);
  });
});
