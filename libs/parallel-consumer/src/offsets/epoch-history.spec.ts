import { describe, expect, it } from '@jest/globals';
import { EpochHistory } from './epoch-history.js';

describe('the leader epochs of a partition', () => {
  it('are known for each record from the first on, and for the one before it', () => {
    const epochs = new EpochHistory();
    epochs.begin(10, 3);
    epochs.add([{ epoch: 3, offset: 10 }]);
    epochs.add([
      { epoch: 3, offset: 15 },
      { epoch: 5, offset: 20 },
    ]);
    expect([9, 10, 19, 20, 99].map((offset) => epochs.at(offset))).toEqual([3, 3, 3, 5, 5]);
    expect(epochs.at(8)).toBeUndefined();
  });

  it('know where the records of later epochs begin', () => {
    const epochs = new EpochHistory();
    epochs.begin(10, 3);
    epochs.add([{ epoch: 5, offset: 20 }]);
    expect([2, 3, 4, 5].map((epoch) => epochs.startAbove(epoch))).toEqual([9, 20, 20, Number.POSITIVE_INFINITY]);
    expect(epochs.startAbove(undefined)).toBe(Number.POSITIVE_INFINITY);
  });

  it('are forgotten once all of their records are committed', () => {
    const epochs = new EpochHistory();
    epochs.begin(0, undefined);
    epochs.add([
      { epoch: 1, offset: 0 },
      { epoch: 2, offset: 10 },
    ]);
    epochs.forgetBefore(9);
    expect(epochs.at(9)).toBe(1);
    epochs.forgetBefore(10);
    expect([epochs.at(9), epochs.at(10)]).toEqual([undefined, 2]);
  });
});
