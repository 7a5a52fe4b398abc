import { describe, expect, it } from '@jest/globals';
import { resolve } from 'node:path';
import { isSelected, parseBenchOptions } from './bench-options.js';

const NAMES = ['window-100', 'window-1000', 'key-1000'];

describe('the command line of the benchmarks', () => {
  it('selects all benchmarks without flags', () => {
    const options = parseBenchOptions([], NAMES);
    expect(options).toEqual({ only: [], quick: false });
  });

  it('accepts names, files and the smoke run', () => {
    const args = ['--only', 'window', '--only', 'key-1000', '--json', 'out.json', '--quick', '--profile', 'profiles'];
    expect(parseBenchOptions(args, NAMES)).toEqual({
      only: ['window', 'key-1000'],
      quick: true,
      jsonFile: resolve('out.json'),
      profileDirectory: resolve('profiles'),
    });
  });

  it('accepts the number of orders of the end-to-end run', () => {
    const args = ['--orders', '10000000', '--json', 'run.json', '--chart', 'run.svg'];
    expect(parseBenchOptions(args, NAMES)).toMatchObject({
      orders: 10_000_000,
      jsonFile: resolve('run.json'),
      chartFile: resolve('run.svg'),
    });
  });

  it.each(['0', '10000001', '1e3', '-5', '1.5', ''])('rejects "%s" as a number of orders', (orders) => {
    expect(() => parseBenchOptions([`--orders=${orders}`], NAMES)).toThrow(
      expect.objectContaining({
        code: 'bad-flag',
        message: `--orders must be an integer from 1 to 10000000, got "${orders}".`,
      }),
    );
  });

  it('rejects benchmarks together with the end-to-end run', () => {
    for (const args of [
      ['--orders', '5', '--only', 'window'],
      ['--orders', '5', '--quick'],
    ])
      expect(() => parseBenchOptions(args, NAMES)).toThrow(expect.objectContaining({ code: 'bad-flag' }));
  });

  it('rejects an unknown benchmark and lists the known ones', () => {
    expect(() => parseBenchOptions(['--only', 'windows'], NAMES)).toThrow(
      expect.objectContaining({ code: 'bad-flag', remedy: 'Benchmarks: window-100, window-1000, key-1000.' }),
    );
  });

  it('rejects an unknown flag', () => {
    expect(() => parseBenchOptions(['--fast'], NAMES)).toThrow(expect.objectContaining({ code: 'bad-flag' }));
  });

  it('matches a name with all benchmarks that begin with it and a dash', () => {
    expect(NAMES.filter((name) => isSelected(name, ['window']))).toEqual(['window-100', 'window-1000']);
    expect(isSelected('window-1000', ['window-100'])).toBe(false);
  });
});
