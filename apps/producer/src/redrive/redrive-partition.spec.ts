import { describe, expect, it } from '@jest/globals';
import { SendGate } from '../expansion/send-gate.js';
import { redrivePartition } from './redrive-partition.js';

const gate = new SendGate(64);
const earlier = [{ partitions: 3, ends: [10, 20, 30], until: new Date(0) }];
const KEY = Buffer.from('account-7');

describe('the partition of a redriven record', () => {
  it('is the original one, whether the producer or another client chose it', () => {
    expect(redrivePartition({ partition: 1, offset: 7 }, KEY, [], gate)).toBe(1);
    expect(redrivePartition({ partition: 1, offset: 20 }, KEY, earlier, gate)).toBe(1);
    expect(redrivePartition({ partition: 40, offset: 0 }, KEY, earlier, gate)).toBe(40);
  });

  it('is that of its key if the topic has got more partitions since', () => {
    expect(redrivePartition({ partition: 1, offset: 19 }, KEY, earlier, gate)).toBe(gate.partitionOf('account-7'));
    expect(gate.partitionOf('account-7')).not.toBe(1);
  });

  it('stays without a key', () => {
    expect(redrivePartition({ partition: 1, offset: 19 }, null, earlier, gate)).toBe(1);
  });
});
