import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { isWanted, readCompareOptions } from './compare-options.js';
import { WAY_NAMES } from './ways.js';

describe('the command line of the comparison', () => {
  it('has a default for everything', () => {
    expect(readCompareOptions([])).toEqual({
      orders: 1_000,
      seed: 2_026,
      saveMs: { minimum: 0, maximum: 1_000 },
      full: false,
      only: [],
      directory: join(PROJECT_DIRECTORY, '.data', 'compare'),
      jsonFile: join(PROJECT_DIRECTORY, '.data', 'compare', 'compare.json'),
    });
  });

  it('accepts every flag', () => {
    const sizes = ['--orders', '60', '--seed', '7', '--save-ms', '5..50', '--full'];
    const args = [...sizes, '--only', 'by-key', '--only', 'unordered-1', '--out', '/charts', '--json', 'out.json'];
    expect(readCompareOptions(args)).toEqual({
      orders: 60,
      seed: 7,
      saveMs: { minimum: 5, maximum: 50 },
      full: true,
      only: ['by-key', 'unordered-1'],
      directory: '/charts',
      jsonFile: resolve('out.json'),
    });
  });

  it.each([
    [['--orders', '0']],
    [['--orders', '10001']],
    [['--orders', '1e3']],
    [['--seed=-1']],
    [['--seed', '9007199254740992']],
    [['--save-ms', '1000']],
    [['--save-ms', '9..1']],
    [['--save-ms', '0..0']],
    [['--only', 'fastest']],
    [['--out', '']],
    [['--json']],
    [['--quick']],
    [['stray']],
  ])('rejects %j with the list of valid flags and exit code 2', (args) => {
    expect(() => readCompareOptions(args)).toThrow(
      expect.objectContaining({ code: 'bad-flag', exitCode: 2, remedy: expect.stringContaining('--save-ms MIN..MAX') }),
    );
  });

  it('expands a name to all ways that begin with it and a dash', () => {
    expect(WAY_NAMES.filter((name) => isWanted(name, ['by-key']))).toEqual(['by-key-1', 'by-key-2', 'by-key-4']);
    expect(WAY_NAMES.filter((name) => isWanted(name, ['unordered-1']))).toEqual(['unordered-1']);
    expect(WAY_NAMES.filter((name) => isWanted(name, []))).toHaveLength(10);
  });
});
