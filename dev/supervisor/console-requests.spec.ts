import { describe, expect, it } from '@jest/globals';
import { readConsoleRequest } from './console-requests.js';

describe('a request of the console', () => {
  it.each([
    { type: 'scale', consumers: 3 },
    { type: 'compare', orders: 1_000, saveMs: '0..1000', full: false },
    { type: 'stop-compare' },
    { type: 'tell-comparison' },
  ])('is parsed: %j', (message) => {
    expect(readConsoleRequest(message)).toEqual(message);
  });

  it.each([
    { type: 'listening', url: 'http://127.0.0.1:1' },
    { type: 'scale', consumers: '3' },
    { type: 'scale', consumers: 1.5 },
    { type: 'compare', orders: 1_000, saveMs: '0..1000' },
    { type: 'compare', orders: 'many', saveMs: '0..1000', full: true },
    {},
    'scale',
    null,
  ])('is undefined for any other message: %j', (message) => {
    expect(readConsoleRequest(message)).toBeUndefined();
  });
});
