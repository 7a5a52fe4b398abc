/**
 * Runs deploy/swarm with a real engine in a real swarm of one node: `npm run test:swarm`, as root, on Debian. Its options are in
 * swarm-options.ts. Builds the images or takes them from the cache, runs the scenario in a network of its own, and leaves only the cache.
 * Prints `N passed, N failed` at the end, and exits with 0 only if all checks passed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { cacheDirectory } from '../../dev/parts/cache-directory.js';
import { explain } from '../../dev/stack-error.js';
import { Checklist } from '../compose/checklist.js';
import { lockCache } from '../compose/part-cache.js';
import { PrivateEngine } from '../compose/private-engine.js';
import { readSwarmOptions } from './swarm-options.js';
import { areAllCached, provideSwarmImages } from './swarm-images.js';

const SCENARIO = join(import.meta.dirname, 'isolated-run.js');

const checklist = new Checklist();

async function buildImages(signal: AbortSignal): Promise<void> {
  const directory = join(cacheDirectory(process.env), 'engine');
  const engine = new PrivateEngine(directory, signal);
  try {
    await engine.remove();
    await engine.start();
    await provideSwarmImages(engine, join(directory, 'stand-ins'), signal);
  } finally {
    await engine.remove();
  }
}

/**
 * Runs the scenario in a network namespace of its own: the interfaces, bridges and ports of the swarm exist only there, and end with it. Its
 * counts are printed by it.
 */
async function runIsolated(signal: AbortSignal): Promise<number> {
  const flags = ['--disable-warning=TimeoutNegativeWarning', SCENARIO, ...process.argv.slice(2)];
  const child = spawn('unshare', ['--net', '--mount', process.execPath, ...flags], { stdio: 'inherit' });
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  const [code] = (await once(child, 'exit')) as [number | null];
  signal.removeEventListener('abort', stop);
  return code ?? 1;
}

async function main(): Promise<void> {
  const { minutes } = readSwarmOptions(process.argv.slice(2));
  // Debian installs dockerd in sbin, which isn't on the PATH of a non-login shell.
  process.env['PATH'] = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => interrupted.abort(new Error(`Ended by ${name}; cleaning up.`)));
  const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(minutes * 60_000)]);
  const lock = await lockCache();
  try {
    if (!areAllCached()) await checklist.check('the images are built and stored', () => buildImages(signal));
    process.exitCode = await runIsolated(signal);
  } finally {
    lock.release();
  }
}

try {
  await main();
} catch (error) {
  // The error of a check has been printed.
  if (checklist.failed === 0) console.log(explain(error));
  console.log(`${checklist.passed} passed, ${Math.max(1, checklist.failed)} failed`);
  process.exitCode = 1;
}
