import { describe, expect, it } from '@jest/globals';
import { readConsoleRequest } from './console-requests.js';

describe('a request of the console', () => {
  it('is read: a number of consumers', () => {
    const message = { type: 'scale', consumers: 3 };
    expect(readConsoleRequest(message)).toEqual(message);
  });

  it.each([
    { type: 'listening', url: 'http://127.0.0.1:1' },
    { type: 'scale', consumers: '3' },
    { type: 'scale', consumers: 1.5 },
    { type: 'compare', consumers: 3 },
    {},
    'scale',
    null,
  ])('is undefined for any other message: %j', (message) => {
    expect(readConsoleRequest(message)).toBeUndefined();
  });
});
