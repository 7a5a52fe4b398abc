import { aVerdict } from '../../pipeline/testing/a-pipeline.js';
import type { ScalingDemoView } from '../scaling-demo-response.js';

const DEMO_ID = '01a20e65-570e-4570-bea6-26988d69d3a0';

/** Returns a scaling demo that measures one consumer. */
export function aDemo(change: Partial<ScalingDemoView> = {}): ScalingDemoView {
  return {
    id: DEMO_ID,
    startedAt: '2026-01-31T12:00:00.000Z',
    endedAt: null,
    status: 'running',
    step: 'measure',
    limit: 500,
    orders: 80_000,
    operationId: '01a20e65-570e-7570-bea6-26988d692e8b',
    before: null,
    after: null,
    verdict: null,
    error: null,
    ...change,
  };
}

/** Returns a demo in which three consumers were 2.95 times as fast as one. */
export function aJudgedDemo(change: Partial<ScalingDemoView> = {}): ScalingDemoView {
  const verdict = aVerdict({ factor: 2.95, text: '2.95 times the throughput' });
  const ended = { endedAt: '2026-01-31T12:00:35.000Z', status: 'succeeded', step: null } as const;
  return aDemo({ ...ended, before: 1_003, after: 2_958, verdict, ...change });
}
