import { describe, expect, it } from '@jest/globals';
import type { ProcessFigures } from '../harness/process-figures.js';
import { ProcessWatch } from './process-watch.js';

/** A machine whose processes the test sets. */
function machine() {
  const figures = new Map<number, ProcessFigures>();
  const running: { name: string; pid: number }[] = [];
  const watch = new ProcessWatch(
    () => running,
    async (pid) => figures.get(pid),
  );
  return { figures, running, watch };
}

describe('the process watch', () => {
  it('counts the CPU time from the first sample', async () => {
    const { figures, running, watch } = machine();
    running.push({ name: 'producer', pid: 7 });
    figures.set(7, { rssMiB: 90, peakRssMiB: 120, cpuSeconds: 2 });
    await watch.sample();
    figures.set(7, { rssMiB: 100, peakRssMiB: 140, cpuSeconds: 5 });
    expect(await watch.sample()).toEqual({ producer: { rssMiB: 100, cpuSeconds: 3 } });
    expect(watch.totals()).toEqual([{ name: 'producer', peakRssMiB: 140, cpuSeconds: 3, restarts: 0 }]);
  });

  it('keeps the figures of a replaced process and counts the restart', async () => {
    const { figures, running, watch } = machine();
    running.push({ name: 'consumer-1', pid: 7 });
    figures.set(7, { rssMiB: 90, peakRssMiB: 400, cpuSeconds: 2 });
    await watch.sample();
    figures.set(7, { rssMiB: 90, peakRssMiB: 400, cpuSeconds: 4 });
    await watch.sample();
    running.splice(0, 1, { name: 'consumer-1', pid: 8 });
    figures.set(8, { rssMiB: 80, peakRssMiB: 80, cpuSeconds: 1 });
    expect(await watch.sample()).toEqual({ 'consumer-1': { rssMiB: 80, cpuSeconds: 3 } });
    expect(watch.totals()).toEqual([{ name: 'consumer-1', peakRssMiB: 400, cpuSeconds: 3, restarts: 1 }]);
  });

  it('sorts the processes in the order of the data path', async () => {
    const { figures, running, watch } = machine();
    for (const [pid, name] of ['query-api', 'MongoDB', 'consumer-2', 'Kafka', 'consumer-1', 'producer'].entries()) {
      running.push({ name, pid });
      figures.set(pid, { rssMiB: 1, peakRssMiB: 1, cpuSeconds: 1 });
    }
    await watch.sample();
    const names = watch.totals().map(({ name }) => name);
    expect(names).toEqual(['producer', 'consumer-1', 'consumer-2', 'Kafka', 'MongoDB', 'query-api']);
  });

  it('skips a process that ends during the sample', async () => {
    const { running, watch } = machine();
    running.push({ name: 'producer', pid: 7 });
    expect(await watch.sample()).toEqual({});
  });
});
