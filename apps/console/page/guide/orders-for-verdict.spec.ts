import { describe, expect, it } from '@jest/globals';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { ordersForVerdict } from './orders-for-verdict.js';

type Consumer = NonNullable<PipelineResponse['consumers']>[number];

/** Consumers with the default limit. */
function consumers(count: number): Pick<PipelineResponse, 'consumers'> {
  return { consumers: Array.from({ length: count }, () => ({ state: 'ready', inFlightLimit: 6_000 }) as Consumer) };
}

describe('the orders to populate before a consumer is added', () => {
  it('are 900,000 with the default settings, and while nothing is known', () => {
    expect([
      ordersForVerdict(consumers(1), 0),
      ordersForVerdict(consumers(1), 12_000),
      ordersForVerdict({ consumers: null }, 0),
      ordersForVerdict(consumers(0), 0),
    ]).toEqual([900_000, 900_000, 900_000, 900_000]);
  });

  it('are more for a pipeline that saves faster, up to what one populate accepts', () => {
    expect(ordersForVerdict(consumers(2), 20_000)).toBe(1_100_000);
    expect(ordersForVerdict(consumers(1), 10_000_000)).toBe(10_000_000);
  });
});
