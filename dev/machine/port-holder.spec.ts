import { describe, expect, it } from '@jest/globals';
import { listeningInodes } from './port-holder.js';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 51001 1 0000 100 0 0 10 0
   1: 0100007F:2384 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 51002 1 0000 100 0 0 10 0
   2: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 51003 1 0000 100 0 0 10 0
`;

describe('the listeners in /proc/net/tcp', () => {
  it('are found by port, without connections to that port', () => {
    expect(listeningInodes(TABLE, 9092)).toEqual(['51001']);
  });

  it('are found on any address', () => {
    expect(listeningInodes(TABLE, 8081)).toEqual(['51003']);
  });

  it('are empty on a free port and in an empty table', () => {
    expect(listeningInodes(TABLE, 27017)).toEqual([]);
    expect(listeningInodes('', 9092)).toEqual([]);
  });
});
