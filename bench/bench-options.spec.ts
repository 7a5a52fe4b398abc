import { describe, expect, it } from '@jest/globals';
import { resolve } from 'node:path';
import { isWanted, parseBenchOptions } from './bench-options.js';

const NAMES = ['window-100', 'window-1000', 'key-1000'];

describe('the command line of the benchmarks', () => {
  it('asks for all of them when it says nothing', () => {
    const options = parseBenchOptions([], NAMES);
    expect(options).toEqual({ only: [], quick: false });
  });

  it('takes names, files and the smoke run', () => {
    const args = ['--only', 'window', '--only', 'key-1000', '--json', 'out.json', '--quick', '--profile', 'profiles'];
    expect(parseBenchOptions(args, NAMES)).toEqual({
      only: ['window', 'key-1000'],
      quick: true,
      jsonFile: resolve('out.json'),
      profileDirectory: resolve('profiles'),
    });
  });

  it('takes the end-to-end run by its number of orders', () => {
    const args = ['--orders', '10000000', '--json', 'run.json', '--chart', 'run.svg'];
    expect(parseBenchOptions(args, NAMES)).toMatchObject({
      orders: 10_000_000,
      jsonFile: resolve('run.json'),
      chartFile: resolve('run.svg'),
    });
  });

  it.each(['0', '10000001', '1e3', '-5', '1.5', ''])('refuses "%s" as a number of orders', (orders) => {
    expect(() => parseBenchOptions([`--orders=${orders}`], NAMES)).toThrow(
      expect.objectContaining({
        code: 'bad-flag',
        message: `--orders takes a whole number from 1 to 10000000, not "${orders}".`,
      }),
    );
  });

  it('refuses benchmarks beside the end-to-end run', () => {
    for (const args of [
      ['--orders', '5', '--only', 'window'],
      ['--orders', '5', '--quick'],
    ])
      expect(() => parseBenchOptions(args, NAMES)).toThrow(expect.objectContaining({ code: 'bad-flag' }));
  });

  it('refuses a benchmark that there is not, and says which there are', () => {
    expect(() => parseBenchOptions(['--only', 'windows'], NAMES)).toThrow(
      expect.objectContaining({ code: 'bad-flag', remedy: 'There are: window-100, window-1000, key-1000.' }),
    );
  });

  it('refuses a flag that there is not', () => {
    expect(() => parseBenchOptions(['--fast'], NAMES)).toThrow(expect.objectContaining({ code: 'bad-flag' }));
  });

  it('takes a name for all benchmarks that begin with it and a dash', () => {
    expect(NAMES.filter((name) => isWanted(name, ['window']))).toEqual(['window-100', 'window-1000']);
    expect(isWanted('window-1000', ['window-100'])).toBe(false);
  });
});
