import { describe, expect, it } from '@jest/globals';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { isAhead, isOvertaken, OwnScalings, wantedConsumers } from './own-scalings.js';

/** A state that the console read after so many requests. */
function stateAfter(scalingRequests: number, configuredConsumers: number | null = 3): PipelineResponse {
  return { scalingRequests, configuredConsumers } as PipelineResponse;
}

describe('the scalings of this page', () => {
  it('are ahead of a state until it contains them, and overtaken once it contains a later one', () => {
    const own = new OwnScalings();
    const sent = own.send(1, 100);
    expect(own.last).toBe(sent);
    expect([isAhead(sent, stateAfter(7)), isOvertaken(sent, stateAfter(7))]).toEqual([true, false]);
    own.answered(sent, 7);
    const relations = [6, 7, 8].map((requests) => {
      const last = own.last ?? sent;
      return [isAhead(last, stateAfter(requests)), isOvertaken(last, stateAfter(requests))];
    });
    expect(relations).toEqual([
      [true, false],
      [false, false],
      [false, true],
    ]);
  });

  it('give the number of consumers while the console still reports that of an older request', () => {
    const own = new OwnScalings();
    own.answered(own.send(3, 100), 1);
    const second = own.send(1, 102);
    expect(wantedConsumers(stateAfter(1, 3), own.last)).toBe(1);
    own.answered(second, 2);
    expect(wantedConsumers(stateAfter(1, 3), own.last)).toBe(1);
    expect(wantedConsumers(stateAfter(2, 1), own.last)).toBe(1);
    expect(wantedConsumers(stateAfter(3, 5), own.last)).toBe(5);
    expect([wantedConsumers(stateAfter(2, null), own.last), wantedConsumers(stateAfter(0), null)]).toEqual([null, 3]);
  });

  it('end with the one that the console received last, also when its answer arrives first', () => {
    const own = new OwnScalings();
    const [first, second] = [own.send(3, 100), own.send(1, 100)];
    own.answered(second, 2);
    own.answered(first, 1);
    expect(own.last).toMatchObject({ count: 1, request: 2 });
  });

  it('are none after a failure, whatever answer is still on its way', () => {
    const own = new OwnScalings();
    const sent = own.send(3, 100);
    own.forget();
    own.answered(sent, 1);
    expect(own.last).toBeNull();
  });
});
