import { describe, expect, it } from '@jest/globals';
import { hexDump } from './hex-dump.js';

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
