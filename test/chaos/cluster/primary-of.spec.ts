import { describe, expect, it } from '@jest/globals';
import type { Db } from 'mongodb';
import { primaryOf } from './primary-of.js';

/** Answers one time after the other. */
function setThatTells(...answers: readonly (Error | string | undefined)[]): Db {
  const left = [...answers];
  const command = async (): Promise<object> => {
    const answer = left.shift();
    if (answer instanceof Error) throw answer;
    return { hosts: ['a:1', 'b:2'], primary: answer };
  };
  return { admin: () => ({ command }) } as unknown as Db;
}

describe('the primary of a set', () => {
  it('is waited for when nobody is one, and when the connection to whoever is asked ends', async () => {
    const ended = Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' });
    expect(await primaryOf(setThatTells(ended, undefined, 'b:2'))).toBe(1);
  });

  it('is not waited for when the question is what is wrong', async () => {
    await expect(primaryOf(setThatTells(new TypeError('no such command'), 'b:2'))).rejects.toThrow('no such command');
  });
});
