import { describe, expect, it } from '@jest/globals';
import { amount, duration, figure, moment, percent, plural, orderName } from './figures.js';
import { countText } from './orders/order-browser.js';
import { hexDump } from './dead-letters/letter-dialog.js';

describe('a text of the page', () => {
  it.each<[string, string, string]>([
    ['a figure', figure(0), '0'],
    ['a small figure', figure(7.149), '7.1'],
    ['a figure without a part', figure(12.7), '13'],
    ['a large figure', figure(1_234_567), '1,234,567'],
    ['an unknown figure', figure(null), '–'],
    ['a figure that is not there', figure(undefined), '–'],
    ['no time', duration(0), '0 s'],
    ['some seconds', duration(2.5), '2.5 s'],
    ['nearly a minute', duration(59.4), '59 s'],
    ['minutes', duration(80), '1 min 20 s'],
    ['minutes that are rounded up', duration(119.7), '2 min 0 s'],
    ['hours', duration(3_720), '1 h 2 min'],
    ['hours that are rounded up', duration(7_199), '2 h 0 min'],
    ['an unknown duration', duration(null), '–'],
    ['a duration that is not there', duration(undefined), '–'],
    ['a time', moment('2026-01-31T23:59:59.999Z'), '2026-01-31 23:59:59 UTC'],
    ['a time elsewhere', moment('2026-01-31T23:00:00-05:00'), '2026-02-01 04:00:00 UTC'],
    ['no moment', moment(null), '–'],
    ['an exact amount, with all its decimals', amount('18735.0000'), '18,735.0000'],
    ['an amount beyond a number', amount('123456789012345678.1234'), '123,456,789,012,345,678.1234'],
    ['an amount of less than a thousand', amount('7.5000'), '7.5000'],
    ['a negative amount', amount('-1234.5'), '-1,234.5'],
    ['an amount without decimals', amount('999'), '999'],
    ['half a per cent', percent(0.005), '0.5 %'],
    ['a quarter', percent(0.25), '25 %'],
    ['all', percent(1), '100 %'],
    ['one dead letter', plural(1, 'dead letter'), '1 dead letter'],
    ['dead letters', plural(1_200, 'dead letter'), '1,200 dead letters'],
    ['an order by its number, never by its index from 0', orderName(12_543, 1), 'order number 12,544'],
    ['an order of a later operation', orderName(0, 50_001), 'order number 50,001'],
    ['an order without a number', orderName(4, null), 'record 5'],
    ['one found order', countText(1, {}), '1 order found'],
    ['a first page', countText(20, { number: 1, next: '/?page=2' }), '20 orders on page 1, more follow'],
    ['a last page', countText(7, { number: 3, prev: '/?page=2' }), '7 orders on page 3, the last one'],
    ['a page by a token', countText(20, { prev: '/?a', next: '/?b' }), '20 orders on this page, more follow'],
  ])('names %s', (_, text, expected) => {
    expect(text).toBe(expected);
  });
});

describe('the hex dump', () => {
  it('shows bytes with their offset, in hexadecimal and as text', () => {
    const dump = hexDump(Buffer.from('\0\0\0\0\x01an order, or what is left').toString('base64'));
    expect(dump.split('\n')).toEqual([
      '0000  00 00 00 00 01 61 6e 20 6f 72 64 65 72 2c 20 6f  .....an order, o',
      '0010  72 20 77 68 61 74 20 69 73 20 6c 65 66 74        r what is left',
    ]);
  });

  it('is limited to 64 lines', () => {
    expect(hexDump(Buffer.alloc(5_000).toString('base64')).split('\n')).toHaveLength(64);
    expect(hexDump('')).toBe('');
  });
});
