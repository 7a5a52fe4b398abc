/**
 * Runs deploy/swarm with a real engine in a real swarm of one node: `npm run test:swarm`, as root, on Debian. Its options are in
 * swarm-options.ts. Builds the images or takes them from the cache, runs the scenario in a network of its own, and leaves only the cache.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { runChecks, withEngine } from '../compose/checked-run.js';
import { lockCache } from '../compose/images.js';
import { areAllCached, provideSwarmImages, readSwarmOptions } from './swarm-images.js';

const SCENARIO = join(import.meta.dirname, 'isolated-run.js');

/** Runs the scenario in a network namespace of its own: the interfaces, bridges and ports of the swarm exist only there, and end with it. */
async function runIsolated(signal: AbortSignal): Promise<void> {
  const flags = ['--disable-warning=TimeoutNegativeWarning', SCENARIO, ...process.argv.slice(2)];
  const child = spawn('unshare', ['--net', '--mount', process.execPath, ...flags], { stdio: 'inherit' });
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  const [code] = (await once(child, 'exit')) as [number | null];
  signal.removeEventListener('abort', stop);
  process.exitCode = code ?? 1;
}

await runChecks(async (check, interrupted) => {
  const { minutes } = readSwarmOptions(process.argv.slice(2));
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(minutes * 60_000)]);
  const lock = await lockCache();
  try {
    if (!areAllCached())
      await withEngine(check, signal, async (engine, directory) =>
        check('the images are built and stored', () => provideSwarmImages(engine, directory, signal)),
      );
    await runIsolated(signal);
  } finally {
    lock.release();
  }
});
