/**
 * Runs docker-compose.yml with a real engine: `npm run test:compose`, as root, on Debian. Provides an engine and Compose, builds
 * the apps' image and stand-ins for the public images, runs the scenario, and leaves only the cache.
 */
import { join } from 'node:path';
import { runChecks, withEngine } from './checked-run.js';
import { ComposeProject } from './private-engine.js';
import { provideAppImages, provideCompose, provideStandIns, lockCache } from './images.js';
import { Scenario } from './scenario.js';

/** Only a run that hangs takes this long. */
const ALL_WITHIN_MS = 90 * 60_000;

await runChecks(async (check, interrupted) => {
  const lock = await lockCache();
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(ALL_WITHIN_MS)]);
  try {
    await withEngine(check, signal, async (engine, directory) => {
      await check('Compose and the stand-ins are available', async () => {
        await provideCompose(engine, signal);
        await provideStandIns(engine, join(directory, 'stand-ins'), signal);
      });
      const project = await ComposeProject.create(engine);
      await check('the images build, or are those of the same sources', () => provideAppImages(engine, project));
      try {
        await new Scenario(engine, project, check, signal).run();
      } catch (error) {
        if (!signal.aborted) console.log(await project.run('logs', '--no-color', '--tail', '30'));
        throw error;
      }
    });
  } finally {
    lock.release();
  }
});
