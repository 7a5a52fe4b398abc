import { describe, expect, it } from '@jest/globals';
import { describeShortage } from './disk-space.js';

describe('free disk space', () => {
  it('is enough when it equals the need', () => {
    expect(describeShortage(1024, 1024, '/data', 'the stack')).toBeUndefined();
  });

  it('is rejected below the need, with both figures and the other places for the data', () => {
    const error = describeShortage(287.6, 1024, '/data', 'the stack');
    expect(error?.code).toBe('disk-full');
    expect(error?.message).toBe('The disk of /data has 287 MiB free; the stack needs 1024 MiB.');
    expect(error?.remedy).toContain('--data DIR');
    expect(error?.remedy).toContain('KAFKA_BROKERS');
  });
});
