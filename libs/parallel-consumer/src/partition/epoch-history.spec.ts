import { describe, expect, it } from '@jest/globals';
import { EpochHistory } from './epoch-history.js';

const start = (epoch: number, offset: number) => ({ epoch, offset });

describe('EpochHistory', () => {
  it('returns the epoch of each record, and of the one before the first', () => {
    const epochs = new EpochHistory();
    epochs.begin(10, 3);
    epochs.add([start(3, 10)], 15);
    epochs.add([start(3, 15), start(5, 20)], 25);
    expect([9, 10, 19, 20, 99].map((offset) => epochs.at(offset))).toEqual([3, 3, 3, 5, 5]);
    expect(epochs.at(8)).toBeUndefined();
    expect(epochs.from(18)).toEqual([start(3, 18), start(5, 20)]);
  });

  it('returns the first offset of later epochs', () => {
    const epochs = new EpochHistory();
    epochs.begin(10, 3);
    epochs.add([start(5, 20)], 25);
    expect([2, 3, 4, 5].map((epoch) => epochs.startAbove(epoch))).toEqual([9, 20, 20, Number.POSITIVE_INFINITY]);
    expect(epochs.startAbove(undefined)).toBe(Number.POSITIVE_INFINITY);
  });

  it('drops epochs once all of their records are committed', () => {
    const epochs = new EpochHistory();
    epochs.begin(0, undefined);
    epochs.add([start(1, 0), start(2, 10)], 20);
    epochs.forgetBefore(9);
    expect(epochs.at(9)).toBe(1);
    epochs.forgetBefore(10);
    expect([epochs.at(9), epochs.at(10)]).toEqual([undefined, 2]);
  });

  it.each([
    ['the same epochs', [start(3, 100), start(4, 120)], undefined],
    ['the same epochs, from a later record on', [start(4, 125)], undefined],
    ['a later epoch', [start(3, 100), start(5, 110)], 110],
    ['a later epoch at an offset where an epoch began', [start(3, 100), start(5, 120)], 120],
    ['an earlier epoch, under which other records were written to the same offsets', [start(3, 100)], 120],
    ['an unknown epoch', [start(-1, 100)], 100],
  ])('compares the records that are read with those that the previous owner read: %s', (_what, read, differing) => {
    const epochs = new EpochHistory();
    epochs.begin(100, 3, [start(3, 100), start(4, 120)]);
    expect(epochs.add(read, 150)).toBe(differing);
    expect(epochs.at(130)).toBe(read.at(-1)?.epoch);
  });

  it('keeps the epochs of the previous owner behind the records that were read', () => {
    const epochs = new EpochHistory();
    epochs.begin(100, 3, [start(3, 100), start(4, 120)]);
    expect(epochs.add([start(3, 100)], 110)).toBeUndefined();
    expect(epochs.from(105)).toEqual([start(3, 105), start(4, 120)]);
  });
});
