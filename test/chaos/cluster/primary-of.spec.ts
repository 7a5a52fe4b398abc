import { describe, expect, it } from '@jest/globals';
import type { Db } from 'mongodb';
import { primaryOf } from './primary-of.js';

/** A replica set whose `hello` command returns the given answers in turn. */
function setWithAnswers(...answers: readonly (Error | string | undefined)[]): Db {
  const left = [...answers];
  const command = async (): Promise<object> => {
    const answer = left.shift();
    if (answer instanceof Error) throw answer;
    return { hosts: ['a:1', 'b:2'], primary: answer };
  };
  return { admin: () => ({ command }) } as unknown as Db;
}

describe('primaryOf', () => {
  it('waits while the set has no primary, and when the connection to a member ends', async () => {
    const ended = Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' });
    expect(await primaryOf(setWithAnswers(ended, undefined, 'b:2'))).toBe(1);
  });

  it('fails at once when the command itself fails', async () => {
    await expect(primaryOf(setWithAnswers(new TypeError('no such command'), 'b:2'))).rejects.toThrow('no such command');
  });
});
