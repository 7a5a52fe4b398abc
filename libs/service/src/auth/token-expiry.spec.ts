import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { TokenExpiredError, whileTokenIsValid } from './token-expiry.js';

async function* numbers(ended: () => void): AsyncGenerator<number> {
  try {
    for (let number = 1; number <= 3; number += 1) yield number;
  } finally {
    ended();
  }
}

describe('a long response', () => {
  it('breaks off when the token of its caller expires, and stops reading', async () => {
    const clock = new ManualClock();
    const received: number[] = [];
    let isEnded = false;
    const parts = whileTokenIsValid(
      numbers(() => {
        isEnded = true;
      }),
      { validUntil: 1_000 },
      clock,
    );
    const reading = (async () => {
      for await (const part of parts) {
        received.push(part);
        if (part === 2) await clock.advance(1_000);
      }
    })();
    await expect(reading).rejects.toThrow(TokenExpiredError);
    expect([received, isEnded]).toEqual([[1, 2], true]);
  });

  it('ends by itself without a token', async () => {
    const received: number[] = [];
    for await (const part of whileTokenIsValid(
      numbers(() => undefined),
      null,
    ))
      received.push(part);
    expect(received).toEqual([1, 2, 3]);
  });
});
