import { describe, expect, it } from '@jest/globals';
import { interpolate } from './interpolate.js';

describe('interpolate', () => {
  it('replaces variables, and uses defaults for absent and empty ones', () => {
    const { text, missing } = interpolate('${A} ${B:-two} ${C:-three} $$x', { A: '1', C: '' });
    expect([text, missing]).toEqual(['1 two three $x', []]);
  });

  it('names variables that have neither a value nor a default, each once', () => {
    expect(interpolate('${A}${A}${B:-}', {})).toEqual({ text: '', missing: ['A'] });
  });
});
