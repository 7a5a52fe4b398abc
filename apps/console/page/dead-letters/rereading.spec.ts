import { describe, expect, it } from '@jest/globals';
import { settle } from '@orders-pipeline/clock/testing';
import { Rereading } from './rereading.js';

describe('rereading', () => {
  it('finishes each reading, and reads once more when it was requested meanwhile', async () => {
    const started: PromiseWithResolvers<void>[] = [];
    const rereading = new Rereading(async () => {
      const reading = Promise.withResolvers<void>();
      started.push(reading);
      return reading.promise;
    });
    const all = rereading.request();
    for (let more = 0; more < 3; more += 1) void rereading.request();
    expect(started).toHaveLength(1);
    started[0]?.resolve();
    await settle();
    expect(started).toHaveLength(2);
    started[1]?.resolve();
    await all;
    expect(started).toHaveLength(2);
    void rereading.request();
    expect(started).toHaveLength(3);
  });
});
