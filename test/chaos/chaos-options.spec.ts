import { describe, expect, it } from '@jest/globals';
import { StackError } from '../../dev/stack-error.js';
import { readChaosOptions } from './chaos-options.js';

describe('npm run chaos', () => {
  it('has a default for every flag, and a random seed', () => {
    expect(readChaosOptions([], () => 0.5)).toEqual({
      seed: 2 ** 31,
      minutes: 5,
      orders: 510_000,
      calmSeconds: 8,
      only: [],
      out: '.data/chaos',
      productDirectory: undefined,
      keep: false,
    });
  });

  it('derives the number of orders from the minutes', () => {
    expect(readChaosOptions(['--minutes', '30']).orders).toBe(3_060_000);
    expect(readChaosOptions(['--minutes', '240']).orders).toBe(10_000_000);
    expect(readChaosOptions(['--minutes', '0.5', '--orders', '1000']).orders).toBe(1_000);
  });

  it.each([
    [['--seed', '-1']],
    [['--seed', '1.5']],
    [['--minutes', '0']],
    [['--minutes', 'many']],
    [['--orders', '10']],
    [['--calm', '-1']],
    [['--only', 'earthquake']],
    [['--product', 'nowhere']],
    [['--unknown']],
    [['--help']],
  ])('rejects %j and lists the valid flags', (args) => {
    expect(refusal(args)).toMatchObject({ code: 'bad-flag', exitCode: 2 });
    expect(refusal(args).remedy).toContain('kill-consumer');
  });
});

function refusal(args: string[]): StackError {
  try {
    readChaosOptions(args);
  } catch (error) {
    if (error instanceof StackError) return error;
    throw error;
  }
  throw new Error('the flags were accepted');
}
