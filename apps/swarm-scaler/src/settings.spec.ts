import { describe, expect, it } from '@jest/globals';
import { readSettings } from './settings.js';

const SCALER_TOKEN = 'a-token-of-more-than-thirty-two-characters';

describe('settings of the scaler', () => {
  it('need a token', () => {
    expect(() => readSettings({})).toThrow(/SCALER_TOKEN must be a token of at least 32 characters/);
  });

  it('refuse bounds that contradict each other', () => {
    expect(() => readSettings({ SCALER_TOKEN, SCALER_MIN: '5', SCALER_MAX: '4' })).toThrow(
      /SCALER_MIN must be at most SCALER_MAX, got 5 and 4/,
    );
  });

  it('default to the consumers of the stack `orders`', () => {
    expect(readSettings({ SCALER_TOKEN })).toMatchObject({
      SCALER_SERVICE: 'orders_consumer',
      SCALER_MIN: 1,
      SCALER_MAX: 12,
    });
  });
});
