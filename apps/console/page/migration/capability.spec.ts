import { describe, expect, it } from '@jest/globals';
import { neighbourOf, stagesOf, stateText } from './capability.js';

describe('the stages of a capability', () => {
  it('are those of writes or of reads, in their order', () => {
    expect(stagesOf('writes')).toEqual(['off', 'dualwrite', 'live', 'complete']);
    expect(stagesOf('read-by-page')).toEqual(['off', 'shadow', 'live', 'complete']);
  });

  it('have neighbours, but none before the first and after the last', () => {
    expect([neighbourOf('read-by-id', 'shadow', 1), neighbourOf('read-by-id', 'shadow', -1)]).toEqual(['live', 'off']);
    expect([neighbourOf('writes', 'complete', 1), neighbourOf('writes', 'off', -1)]).toEqual([undefined, undefined]);
  });

  it('are named with their percentage', () => {
    expect([stateText({ stage: 'live', percent: 25 }), stateText({ stage: 'off', percent: 100 })]).toEqual([
      'live at 25 %',
      'off',
    ]);
  });
});
