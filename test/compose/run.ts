/**
 * Runs docker-compose.yml with a real engine: `npm run test:compose`, as root, on Debian. Provides an engine and Compose, builds
 * the apps' image and stand-ins for the public images, runs the scenario, and leaves only the cache.
 * Prints `N passed, N failed` at the end, and exits with 0 only if all checks passed.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheDirectory } from '../../dev/parts/cache-directory.js';
import { explain } from '../../dev/stack-error.js';
import { Checklist } from './checklist.js';
import { provideCompose } from './compose-plugin.js';
import { ComposeProject } from './compose-project.js';
import { lockCache } from './part-cache.js';
import { PrivateEngine } from './private-engine.js';
import { Scenario } from './scenario.js';
import { provideImages } from './cached-images.js';
import { APP_IMAGES, provideStandIns } from './stand-in-images.js';

const ALL_WITHIN_MS = 20 * 60_000;
const LOG_LINES = '30';

const checklist = new Checklist();

/** Returns a signal that aborts on SIGINT, SIGTERM or SIGHUP, or after 20 minutes. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => interrupted.abort(new Error(`Ended by ${name}; cleaning up.`)));
  }
  return AbortSignal.any([interrupted.signal, AbortSignal.timeout(ALL_WITHIN_MS)]);
}

async function runChecks(engine: PrivateEngine, context: string, signal: AbortSignal): Promise<void> {
  await checklist.check('a private Docker engine starts', () => engine.start());
  await checklist.check('Compose and the stand-ins are available', async () => {
    await provideCompose(engine, signal);
    await provideStandIns(engine, context, signal);
  });
  const project = await ComposeProject.create(engine);
  await checklist.check('the images build, or are those of the same sources', () =>
    provideImages(engine, APP_IMAGES, async () => {
      // One after the other: the builder shares no layers between concurrent builds, and both begin with all packages.
      await project.run('build', 'producer');
      await project.run('build', 'issuer');
    }),
  );
  try {
    await new Scenario(engine, project, signal).run(checklist);
  } catch (error) {
    if (!signal.aborted) console.log(await project.run('logs', '--no-color', '--tail', LOG_LINES));
    throw error;
  }
}

/** Returns the network interfaces (bridges and veth ends) that an engine creates on the machine itself. */
function engineInterfaces(): string[] {
  return readdirSync('/sys/class/net').filter((name) => /^(br-[0-9a-f]{12}|veth[0-9a-f]{7})$/.test(name));
}

async function main(): Promise<void> {
  // Debian installs dockerd in sbin, which isn't on the PATH of a non-login shell.
  process.env['PATH'] = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);
  const lock = await lockCache();
  const signal = interruption();
  const directory = join(cacheDirectory(process.env), 'engine');
  const engine = new PrivateEngine(directory, signal);
  // Of a killed run.
  await engine.remove();
  const interfacesBefore = engineInterfaces();
  try {
    await runChecks(engine, join(directory, 'stand-ins'), signal);
  } finally {
    await checklist.check('the engine ends and its folder is removed', async () => {
      await engine.remove();
      assert.deepEqual(
        engineInterfaces().filter((name) => !interfacesBefore.includes(name)),
        [],
      );
    });
    lock.release();
  }
}

try {
  await main();
} catch (error) {
  // The error of a check has been printed.
  if (checklist.failed === 0) console.log(explain(error));
  process.exitCode = 1;
}
console.log(`${checklist.passed} passed, ${checklist.failed} failed`);
