import { describe, expect, it } from '@jest/globals';
import { anAttempt } from '../testing/an-attempt.js';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { RecordingLogger } from '../behaviour/gated-consumer.js';
import type { ConsumedRecord } from '../records/record.js';
import { HotKeys } from './hot-keys.js';

const attempt = anAttempt();
const record = (key: string | null): ConsumedRecord =>
  ({ key: key === null ? null : Buffer.from(key) }) as ConsumedRecord;

/** Handles records with these keys in one minute, and one in the next. */
async function handled(keys: readonly (string | null)[]) {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const hotKeys = new HotKeys({ logger, clock });
  const handler = hotKeys.counting(async () => undefined);
  for (const key of keys) await handler(record(key), attempt);
  await clock.advance(60_000);
  await handler(record('next minute'), attempt);
  return { hotKeys, logged: logger.matching(/hot keys/) };
}

describe('hot keys', () => {
  it('are logged and remembered after a minute, with their share', async () => {
    const keys = Array.from({ length: 2_000 }, (_, at) => (at % 4 === 0 ? 'account-1' : `account-${at}`));
    const { hotKeys, logged } = await handled(keys);
    expect(hotKeys.hottest[0]).toMatchObject({ key: 'account-1' });
    expect(hotKeys.hottest[0]?.share).toBeCloseTo(0.25, 1);
    expect(hotKeys.hottest).toHaveLength(10);
    expect(logged).toEqual([{ keys: [hotKeys.hottest[0]], attempts: 2_000 }]);
  });

  it('are none while all keys are alike, or with few attempts', async () => {
    expect((await handled(Array.from({ length: 2_000 }, (_, at) => `account-${at % 500}`))).logged).toEqual([]);
    expect((await handled(Array.from({ length: 999 }, () => 'account-1'))).logged).toEqual([]);
  });

  it('do not include records without a key', async () => {
    expect((await handled(Array.from({ length: 2_000 }, () => null))).hotKeys.hottest).toEqual([]);
  });

  it('refuse a wrong option by name', () => {
    const { logger } = { logger: new RecordingLogger() };
    expect(() => new HotKeys({ logger, hotShare: 2 })).toThrow('hotShare must be from 0 to 1');
    expect(() => new HotKeys({ logger, capacity: 0 })).toThrow('capacity must be an integer of at least 1');
  });
});
