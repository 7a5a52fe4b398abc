// Runs the spec files that its parent process names, one after another: Jest, which takes as long to load as a short spec, is loaded once.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';

/** Unit specs wait neither for servers nor for real time: when the event loop has nothing to do for so long, a case hangs. */
const IDLE_SECONDS = 10;

/** Each run of a spec file leaves some megabytes behind. */
const MAX_MEMORY_BYTES = 800 * 1024 * 1024;

const directory = process.cwd();
const { runCLI } = createRequire(join(directory, 'package.json'))('jest');
const options = {
  config: join(import.meta.dirname, 'jest.config.mjs'),
  runTestsByPath: true,
  runInBand: true,
  reporters: [],
  watchman: false,
};

process.on('message', (spec) => void answer(spec));
process.once('disconnect', () => process.exit());

async function answer(spec) {
  const watch = watchIdle();
  const result = await run(spec);
  clearInterval(watch);
  await setImmediate();
  process.send({ result, isReusable: isReusable() });
}

async function run(spec) {
  const { results } = await runCLI({ ...options, _: [spec], $0: '' }, [directory]);
  const [{ testResults = [], failureMessage } = {}] = results.testResults;
  const failed = testResults.find(({ status }) => status === 'failed');
  return {
    slowestMs: Math.max(0, ...testResults.map(({ duration }) => duration ?? 0)),
    failed: failed && [...failed.ancestorTitles, failed.title].join(' › '),
    broken: results.success || failed ? undefined : (failureMessage ?? 'it contains no case'),
  };
}

/** A mutant may leave a timer, a server or an endless loop behind, which would disturb the next spec file in this process. */
function isReusable() {
  const isClean = process.getActiveResourcesInfo().every((name) => name === 'PipeWrap');
  return isClean && process.memoryUsage.rss() < MAX_MEMORY_BYTES;
}

function watchIdle() {
  let before = performance.eventLoopUtilization();
  let idleSeconds = 0;
  return setInterval(() => {
    const now = performance.eventLoopUtilization();
    idleSeconds = performance.eventLoopUtilization(now, before).utilization < 0.01 ? idleSeconds + 1 : 0;
    before = now;
    if (idleSeconds === IDLE_SECONDS) process.send({ isIdle: true });
  }, 1_000);
}
