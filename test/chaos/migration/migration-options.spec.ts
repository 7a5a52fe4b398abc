import { describe, expect, it } from '@jest/globals';
import { MIGRATION_FAULTS } from './faults/migration-faults.js';
import { readMigrationOptions } from './migration-options.js';

describe('the flags of a migration under faults', () => {
  it('default to all journeys, and to a random seed', () => {
    expect(readMigrationOptions(['--migration'], () => 0.5)).toMatchObject({
      seed: 2 ** 31,
      first: 1,
      last: MIGRATION_FAULTS.length,
    });
  });

  it('choose journeys', () => {
    expect(readMigrationOptions(['--migration', '--seed', '7', '--journeys', '2-4'])).toMatchObject({
      first: 2,
      last: 4,
    });
    expect(readMigrationOptions(['--migration', '--journeys', '3'])).toMatchObject({ first: 3, last: 3 });
  });

  it.each([
    ['--journeys', '0'],
    ['--journeys', '4-2'],
    ['--journeys', '1-99'],
    ['--journeys', 'all'],
    ['--seed', '-1'],
    ['--seed', 'x'],
    ['--minutes', '3'],
  ])('reject %s %s', (...flags) => {
    expect(() => readMigrationOptions(['--migration', `${flags[0]}=${flags[1]}`])).toThrow(
      expect.objectContaining({ code: 'bad-flag' }),
    );
  });
});
