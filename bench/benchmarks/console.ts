import { setTimeout as sleep } from 'node:timers/promises';
import { launchBrowser } from '../../test/browser/browser.js';
import { ImitatedConsole } from '../../test/browser/imitated-console.js';
import type { Benchmark, Result, Run } from '../harness/benchmark.js';
import { readProcessFigures } from '../harness/process-figures.js';
import { median } from '../harness/statistics.js';
import { TemporaryStack } from '../../dev/supervisor/temporary-stack.js';

const HOUR = 3_600;
const TIMES = 5;
const MEASURED_SECONDS = 60;
const QUICK_SECONDS = 10;
const STACK_MIB = 2_000;
/** Per cent of one core. */
const MAX_CORE = 3;
const MAX_PAINT_MS = 1_000;

/** Measures the console's CPU time while it watches an idle pipeline without a client, and while it streams a busy one to a client. */
export const consoleCpu: Benchmark = {
  name: 'console-cpu',
  about: 'CPU time of the console while it streams to one page, per cent of one core',
  measure: async (bench) => {
    const stack = await TemporaryStack.start({
      tool: 'orders-bench',
      flags: [],
      neededMiB: STACK_MIB,
      print: bench.print,
      signal: bench.signal,
    });
    try {
      const seconds = bench.quick ? QUICK_SECONDS : MEASURED_SECONDS;
      const idle = await cpuOf(stack, 'idle, no page', seconds);
      await fetch(`${stack.url('PRODUCER_PORT')}/v1/populate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ count: 1_000_000, ratePerSecond: 2_000 }),
      });
      const client = new AbortController();
      const { body } = await fetch(`${stack.url('CONSOLE_PORT')}/v1/pipeline/events`, { signal: client.signal });
      // Aborted at the end, which is an error for the reader.
      const reading = body?.pipeTo(new WritableStream()).catch(() => undefined);
      const streaming = await cpuOf(stack, 'streaming, busy pipeline', seconds);
      client.abort();
      await reading;
      const notes = [`idle without a page: ${idle.value.toFixed(2)} % of a core`];
      return resultOf('console-cpu', '% of a core', streaming.value, MAX_CORE, [idle, streaming], notes);
    } finally {
      await stack.stop();
    }
  },
};

/** Measures when the page has drawn an hour of history: from the start of the navigation, with an empty cache. */
export const consoleFirstPaint: Benchmark = {
  name: 'console-first-paint',
  about: 'from opening the page to the chart of the recorded hour, in Chromium with an empty cache',
  measure: async (bench) => {
    const server = await ImitatedConsole.start(Math.floor(Date.now() / 1_000) - HOUR);
    const browser = await launchBrowser();
    try {
      server.pass(HOUR);
      const runs: Run[] = [];
      for (let time = 0; time < (bench.quick ? 1 : TIMES); time += 1) {
        const page = await browser.newPage();
        await page.goto(server.url);
        await page.waitForFunction("performance.getEntriesByName('history-drawn').length > 0");
        const value = await page.evaluate<number>("performance.getEntriesByName('history-drawn')[0].startTime");
        runs.push({ contender: 'page', value, peakRssMiB: 0, cpuSeconds: 0 });
        await page.close();
      }
      return resultOf('console-first-paint', 'ms', median(runs.map(({ value }) => value)), MAX_PAINT_MS, runs, []);
    } finally {
      await browser.close();
      server.stop();
    }
  },
};

async function cpuOf(stack: TemporaryStack, contender: string, seconds: number): Promise<Run> {
  const pid = stack.processes().find(({ name }) => name === 'console')?.pid ?? 0;
  const before = await readProcessFigures(pid);
  await sleep(1_000 * seconds);
  const after = await readProcessFigures(pid);
  if (before === undefined || after === undefined) throw new Error('the console has ended');
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  return { contender, value: (100 * cpuSeconds) / seconds, peakRssMiB: after.peakRssMiB, cpuSeconds };
}

function resultOf(
  name: string,
  unit: string,
  value: number,
  limit: number,
  runs: readonly Run[],
  notes: readonly string[],
): Result {
  return {
    name,
    value,
    unit,
    limit,
    // Less is better.
    ratio: limit / value,
    ratioRange: null,
    requiredRatio: 1,
    peakRssMiB: Math.max(...runs.map(({ peakRssMiB }) => peakRssMiB)),
    maxRssMiB: null,
    cpuSeconds: Math.max(...runs.map(({ cpuSeconds }) => cpuSeconds)),
    noisy: false,
    runs,
    notes,
  };
}
