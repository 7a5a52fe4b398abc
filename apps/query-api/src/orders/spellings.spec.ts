import { describe, expect, it } from '@jest/globals';
import { spellingsOf, type TextField } from './spellings.js';

describe('the spellings of a text filter', () => {
  it.each<[TextField, string, readonly string[]]>([
    ['symbol', 'ACME', ['ACME']],
    ['symbol', 'acme', ['acme', 'ACME']],
    ['symbol', ' acme ', [' acme ', 'acme', 'ACME']],
    ['symbol', ' ', [' ']],
    ['accountId', 'acc-7', ['acc-7']],
    ['accountId', ' Acc-7 ', [' Acc-7 ', 'Acc-7']],
  ])('%s %j: %j', (field, typed, spellings) => {
    expect(spellingsOf(field, typed)).toEqual(spellings);
  });
});
