import { describe, expect, it } from '@jest/globals';
import { repairOf } from './repair.js';

const UNREPAIRABLE = ['conflict', 'empty-value', 'not-wire-format', 'malformed-avro', 'invalid-order'];

describe('the repair of a dead letter', () => {
  it.each(UNREPAIRABLE)('says first that a redrive of %s would fail again, and never that it returns', (code) => {
    expect(repairOf(code)).toMatch(/^A redrive would fail again: .* discard/);
    expect(repairOf(code)).not.toMatch(/return/);
  });

  it('ends with a redrive for every other error, also an unknown one', () => {
    for (const code of ['unknown-schema', 'oversized', 'of-a-later-version'])
      expect(repairOf(code)).toMatch(/then redrive\.$/);
  });
});
