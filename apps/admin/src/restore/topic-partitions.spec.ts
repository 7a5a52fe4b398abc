import { describe, expect, it } from '@jest/globals';
import { javaCompatiblePartitioner } from '#orders/topics/partitioner.js';
import { FormerPartitions } from './topic-partitions.js';

const [FEW, MANY] = [2, 4];
const [before, after] = [javaCompatiblePartitioner(FEW), javaCompatiblePartitioner(MANY)];
const keys = Array.from({ length: 200 }, (_, n) => `acc-${n}`);
/** Keys of partition 0 that move, and that stay. */
const moving = keys.find((key) => before(key) === 0 && after(key) !== 0);
const staying = keys.find((key) => before(key) === 0 && after(key) === 0);

describe('the partition count at a backup', () => {
  it('ends behind the last record of a key that has moved since', () => {
    const former = new FormerPartitions([10, 20], MANY);
    former.note(0, 10, staying);
    former.note(0, 11, moving);
    former.note(0, 12, staying);
    former.note(3, 0, moving);
    expect(former.earlier).toEqual({ partitions: FEW, ends: [12, 20] });
  });

  it('is the present one if none was added', () => {
    const former = new FormerPartitions([10, 20], FEW);
    former.note(0, 11, moving);
    expect(former.earlier).toBeUndefined();
  });
});
