import type { EndToEndRun } from '../end-to-end-run.js';
import type { RunSample } from '../follow.js';

const ORDERS = 40_000;

/** A sample of a run that emits 20,000 orders per second and saves 10,000 per second. */
export function sampleAt(second: number): RunSample {
  return {
    second,
    acked: Math.min(ORDERS, 20_000 * second),
    saved: 10_000 * second,
    deadLettered: 0,
    processes: {
      producer: { rssMiB: 200, cpuSeconds: second / 2 },
      'consumer-1': { rssMiB: 300 + second, cpuSeconds: second },
      MongoDB: { rssMiB: 900, cpuSeconds: second / 4 },
    },
  };
}

/** A run of four seconds that meets all limits, for specs. */
export const EXAMPLE_RUN: EndToEndRun = {
  orders: ORDERS,
  seconds: 1.6,
  deadLettered: 0,
  emissionSeconds: 2,
  samples: [1, 2, 3, 4].map(sampleAt),
  processes: [
    { name: 'producer', peakRssMiB: 220, cpuSeconds: 2, restarts: 0 },
    { name: 'consumer-1', peakRssMiB: 350, cpuSeconds: 4, restarts: 0 },
    { name: 'MongoDB', peakRssMiB: 1_000, cpuSeconds: 1, restarts: 0 },
  ],
  growth: { producer: 1.02, 'consumer-1': 0.98, MongoDB: 1.5 },
  reconciliation: { answer: { verdict: 'holds', ordersPerSecond: 80_000, seconds: 0.5 } },
  processesAfter: [
    { name: 'producer', peakRssMiB: 240, cpuSeconds: 3, restarts: 0 },
    { name: 'consumer-1', peakRssMiB: 350, cpuSeconds: 4, restarts: 0 },
    { name: 'MongoDB', peakRssMiB: 1_000, cpuSeconds: 1.5, restarts: 0 },
  ],
  insertLimit: { ordersPerSecond: 32_000, mongodbCpuUs: 41, clientCpuUs: 7 },
};
