import { Counter, Gauge, type Registry } from 'prom-client';
import type { KeptDecision } from './autoscaler-store.js';
import type { AutoscalingStatus } from './autoscaling-status.js';

/**
 * Exports how many consumers the autoscaler wants, and its decisions by kind and reason. Only the console that decides counts decisions.
 * @returns counts a decision
 */
export function exposeAutoscaling(status: AutoscalingStatus, registry: Registry): (decision: KeptDecision) => void {
  const desired: Gauge = new Gauge({
    name: 'pipeline_desired_consumers',
    help: 'Consumers that the autoscaler wants; no sample while it is off or knows nothing',
    labelNames: ['mode'],
    registers: [registry],
    collect: () => {
      desired.reset();
      const { mode, latest } = status;
      if (mode !== 'off' && latest?.state != null) desired.set({ mode }, latest.state.wanted);
    },
  });
  const decisions = new Counter({
    name: 'pipeline_autoscaling_decisions_total',
    help: 'Decisions of the autoscaler that are kept: steps, verdicts, and new reasons to wait',
    labelNames: ['kind', 'reason'],
    registers: [registry],
  });
  return ({ kind, reason }) => decisions.inc({ kind, reason });
}
