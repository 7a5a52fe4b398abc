import { describe, expect, it } from '@jest/globals';
import { resolve } from 'node:path';
import { isSelected, parseBenchOptions } from './bench-options.js';

const NAMES = ['window-100', 'window-1000', 'key-1000'];

describe('the command line of the benchmarks', () => {
  it.each<[string, object]>([
    ['', { only: [], quick: false }],
    [
      '--only window --only key-1000 --json out.json --quick --profile profiles',
      {
        only: ['window', 'key-1000'],
        quick: true,
        jsonFile: resolve('out.json'),
        profileDirectory: resolve('profiles'),
      },
    ],
    [
      '--orders 10000000 --chart run.svg',
      { only: [], quick: false, orders: 10_000_000, chartFile: resolve('run.svg') },
    ],
  ])('accepts the flags %j', (flags, options) => {
    expect(parseBenchOptions(flags === '' ? [] : flags.split(' '), NAMES)).toEqual(options);
  });

  it('matches a name with all benchmarks that begin with it and a dash', () => {
    expect(NAMES.filter((name) => isSelected(name, ['window']))).toEqual(['window-100', 'window-1000']);
    expect(isSelected('window-1000', ['window-100'])).toBe(false);
  });
});
