import { describe, expect, it } from '@jest/globals';
import { EpochHistory } from './epoch-history.js';

describe('EpochHistory', () => {
  it('returns the epoch of each record, and of the one before the first', () => {
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

  it('returns the first offset of later epochs', () => {
    const epochs = new EpochHistory();
    epochs.begin(10, 3);
    epochs.add([{ epoch: 5, offset: 20 }]);
    expect([2, 3, 4, 5].map((epoch) => epochs.startAbove(epoch))).toEqual([9, 20, 20, Number.POSITIVE_INFINITY]);
    expect(epochs.startAbove(undefined)).toBe(Number.POSITIVE_INFINITY);
  });

  it('drops epochs once all of their records are committed', () => {
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
