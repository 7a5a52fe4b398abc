import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import { launchBrowser } from './browser.js';
import { ConsolePage } from './console-page.js';
import { ImitatedConsole } from './imitated-console.js';

const START_SECOND = Date.parse('2026-01-31T12:00:00Z') / 1_000;
const HOUR = 3_600;
/** Enough to fill the finest series of the history. */
const FILLED = 1_000;

describe('a console tab that stays open', () => {
  let browser: Browser;
  let server: ImitatedConsole;

  beforeAll(async () => {
    browser = await launchBrowser();
    server = await ImitatedConsole.start(START_SECOND);
  });

  afterAll(async () => {
    await browser.close();
    server.stop();
  });

  /** Sends the events of `seconds` seconds in groups of 50, and waits until the page shows the last of each. */
  async function pass(seconds: number, page: ConsolePage): Promise<void> {
    for (let sent = 0; sent < seconds; sent += 50) {
      server.pass(50);
      const shown = server.lag.toLocaleString('en');
      await eventually(`a lag of ${shown} is shown`, async () => (await page.tile('Lag')) === `${shown}records`);
    }
  }

  it('uses no more memory after an hour of events than once its chart is full', async () => {
    const page = await ConsolePage.open(await browser.newContext(), server.url);
    await page.isLive();
    await pass(FILLED, page);
    const filled = await page.liveBytes();
    await pass(HOUR, page);
    const afterAnHour = await page.liveBytes();
    expect(afterAnHour / filled).toBeLessThan(1.1);
  });
});
