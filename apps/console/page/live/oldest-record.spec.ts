import { describe, expect, it } from '@jest/globals';
import { isStalled, oldestRecordOf } from './oldest-record.js';

const oldest = { offset: 5, accountId: 'acc-1', takenSeconds: 59.9, attempt: 1 };

describe('the oldest record', () => {
  it('is that of the partition with the highest age whose consumer reports it', () => {
    const partitions = [
      { partition: 0, lagSeconds: 2, oldest },
      { partition: 1, lagSeconds: 9, oldest },
      // It waits in a fetch buffer.
      { partition: 2, lagSeconds: 12, oldest: null },
      { partition: 3, lagSeconds: null, oldest },
    ];
    expect(oldestRecordOf(partitions)).toEqual({ view: 'partition', partition: 1 });
    expect(oldestRecordOf(partitions.slice(2, 3))).toBeUndefined();
  });

  it('is stalled once its consumer has had it for a minute', () => {
    expect(isStalled({ oldest: null })).toBe(false);
    expect(isStalled({ oldest })).toBe(false);
    expect(isStalled({ oldest: { ...oldest, takenSeconds: 60 } })).toBe(true);
  });
});
