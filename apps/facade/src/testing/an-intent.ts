import { aLegacyOrder } from '#orders/testing/an-order.js';
import type { Intent } from '../intents/intent.js';

/** Returns an intent of `dualwrite` whose `seq` is the legacy number of its order. */
export function anIntent(number: number, change: Partial<Intent> = {}): Intent {
  return {
    seq: number,
    epoch: 1,
    order: aLegacyOrder({ number }),
    isIdGiven: false,
    isNumberGiven: false,
    answering: 'legacy',
    legacy: 'open',
    new: 'open',
    admittedAt: new Date(0),
    instance: 'a',
    attempts: 0,
    lastError: null,
    ...change,
  };
}
