import { describe, expect, it } from '@jest/globals';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { ordersForVerdict } from './orders-for-verdict.js';

type Consumer = NonNullable<PipelineResponse['consumers']>[number];

function consumers(count: number, inFlightLimit = 6_000): Pick<PipelineResponse, 'consumers'> {
  return { consumers: Array.from({ length: count }, () => ({ state: 'ready', inFlightLimit }) as Consumer) };
}

describe('the orders to populate before a consumer is added', () => {
  it('follow the in-flight limit while nothing was saved, and are the usual ones while no consumer is known', () => {
    expect([
      ordersForVerdict(consumers(1), 0),
      ordersForVerdict(consumers(1, 1_000), 0),
      ordersForVerdict({ consumers: null }, 7_000),
      ordersForVerdict(consumers(0), 7_000),
    ]).toEqual([700_000, 200_000, 700_000, 700_000]);
  });

  it('follow the rate of the pipeline, up to what one populate accepts', () => {
    expect(ordersForVerdict(consumers(1, 1_000), 1_950)).toBe(200_000);
    expect(ordersForVerdict(consumers(1), 7_000)).toBe(700_000);
    expect(ordersForVerdict(consumers(2), 20_000)).toBe(1_700_000);
    expect(ordersForVerdict(consumers(1), 10_000_000)).toBe(10_000_000);
  });
});
