import { describe, expect, it } from '@jest/globals';
import type { ReportedState } from '#orders/consumer/consumer-heartbeat.js';
import type { ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';
import { toReportedState } from './reported-state.js';

const PARTITIONS = [{ partition: 0 }] as unknown as ParallelConsumerStatus['partitions'];
const READY = { state: 'running', joined: true, ready: true, partitions: PARTITIONS } as const;

describe('the reported state of a consumer', () => {
  it.each<[ReportedState, Partial<ParallelConsumerStatus>]>([
    ['ready', {}],
    ['idle', { partitions: [] }],
    ['starting', { state: 'starting', joined: false, ready: false }],
    ['draining', { state: 'draining', ready: false }],
    ['draining', { state: 'stopped', joined: false, ready: false }],
    ['rebalancing', { joined: false, ready: false }],
    ['waiting', { ready: false }],
    ['waiting', { state: 'failed', joined: false, ready: false }],
  ])('is `%s` for %j', (state, others) => {
    expect(toReportedState({ ...READY, ...others })).toBe(state);
  });
});
