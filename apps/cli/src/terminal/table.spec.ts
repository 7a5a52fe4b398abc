import { describe, expect, it } from '@jest/globals';
import { tableOf } from './table.js';

describe('a table', () => {
  it('has columns as wide as their widest cell, with figures aligned right', () => {
    const columns = [{ heading: 'name' }, { heading: 'n', align: 'right' }, { heading: 'note' }] as const;
    expect(
      tableOf(columns, [
        ['a', '1,000', ''],
        ['longer', '2', 'x'],
      ]).split('\n'),
    ).toEqual(['name        n  note', 'a       1,000', 'longer      2  x']);
  });
});
