import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import type { KeptDecision, StoredAutoscaler } from './autoscaler-store.js';
import { exposeAutoscaling } from './autoscaling-metrics.js';
import { AutoscalingStatus } from './autoscaling-status.js';

describe('the metrics of the autoscaler', () => {
  it('are the wanted number, and the decisions by kind and reason', async () => {
    const registry = new Registry();
    const status = new AutoscalingStatus('on', { minConsumers: 1, maxConsumers: 12, drainSeconds: 120 });
    const count = exposeAutoscaling(status, registry);
    expect(await registry.metrics()).not.toContain('pipeline_desired_consumers{');
    status.latest = { mode: 'on', state: { wanted: 4 } } as StoredAutoscaler;
    count({ kind: 'up', reason: 'goal-at-risk' } as KeptDecision);
    const metrics = await registry.metrics();
    expect(metrics).toContain('pipeline_desired_consumers{mode="on"} 4');
    expect(metrics).toContain('pipeline_autoscaling_decisions_total{kind="up",reason="goal-at-risk"} 1');
  });
});
