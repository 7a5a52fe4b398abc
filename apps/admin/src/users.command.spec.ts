import { describe, expect, it } from '@jest/globals';
import { parseUserList } from './users.command.js';

describe('parseUserList', () => {
  it('reads a user from each line, several of one service too', () => {
    expect(parseUserList('producer orders-producer-1 a\n\nproducer orders-producer-2 b\n')).toEqual([
      { service: 'producer', name: 'orders-producer-1', password: 'a' },
      { service: 'producer', name: 'orders-producer-2', password: 'b' },
    ]);
  });

  it.each([
    ['printer x y', /line 1 must begin with one of producer, consumer/],
    ['producer x', /line 1 must be SERVICE NAME PASSWORD/],
    ['producer x y z', /line 1 must be SERVICE NAME PASSWORD/],
    ['producer x y\nconsumer x z', /the user x is listed twice/],
    ['', /the list of users is empty/],
  ])('refuses %j, without a password in the message', (text, message) => {
    expect(() => parseUserList(text)).toThrow(message);
  });
});
