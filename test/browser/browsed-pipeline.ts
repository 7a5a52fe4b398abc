import { afterAll, beforeAll } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { TestSystem } from '../support/test-system.js';
import { launchBrowser } from './browser.js';

/** A real pipeline and a browser for the tests of a suite. */
export class BrowsedPipeline {
  private started: { readonly pipeline: TestSystem; readonly browser: Browser } | undefined;

  private constructor() {}

  /** Both start before the first test, and stop after the last. @param flags those of `npm start` */
  static forSuite(...flags: string[]): BrowsedPipeline {
    const browsed = new BrowsedPipeline();
    beforeAll(async () => {
      const browser = await launchBrowser();
      browsed.started = { browser, pipeline: await TestSystem.start({ flags }) };
    });
    afterAll(async () => {
      await browsed.started?.browser.close();
      await browsed.started?.pipeline.stop();
    });
    return browsed;
  }

  get pipeline(): TestSystem {
    return this.running.pipeline;
  }

  get browser(): Browser {
    return this.running.browser;
  }

  private get running(): NonNullable<typeof this.started> {
    if (this.started === undefined) throw new Error('The suite has not started.');
    return this.started;
  }
}
