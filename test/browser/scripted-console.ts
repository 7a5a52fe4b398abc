import { afterAll, beforeAll } from '@jest/globals';
import type { Browser, BrowserContext } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import { launchBrowser } from './browser.js';
import { ConsolePage } from './console-page.js';
import { answerBusy, ScriptedOrigin } from './scripted-origin.js';

/** The console's page in a browser, on an origin whose answers the test scripts. */
export class ScriptedConsole {
  /** Errors that the page's scripts did not catch. */
  readonly errors: string[] = [];
  private started: { readonly origin: ScriptedOrigin; readonly browser: Browser } | undefined;
  private context: BrowserContext | undefined;

  private constructor() {}

  /** Returns one for the tests of a suite: it starts before the first of them, and stops after the last. */
  static forSuite(): ScriptedConsole {
    const console = new ScriptedConsole();
    beforeAll(async () => {
      console.started = { origin: await ScriptedOrigin.start(), browser: await launchBrowser() };
    });
    afterAll(async () => {
      await console.started?.browser.close();
      console.started?.origin.close();
    });
    return console;
  }

  get origin(): ScriptedOrigin {
    return this.running.origin;
  }

  /** Opens the page in a new browser context, without the answers, errors and storage of another test. */
  async open(hash = '', answer: (origin: ScriptedOrigin) => void = answerBusy, width = 1_180): Promise<ConsolePage> {
    await this.context?.close();
    this.origin.reset();
    this.errors.length = 0;
    answer(this.origin);
    this.context = await this.running.browser.newContext({
      viewport: { width, height: 900 },
      // Far from UTC, in which the page shows its times.
      timezoneId: 'America/New_York',
    });
    this.context.on('weberror', (error) => void this.errors.push(String(error.error())));
    const opened = await ConsolePage.open(this.context, `${this.origin.url}${hash}`);
    await opened.isLive();
    return opened;
  }

  /** Waits until the page has sent this many requests of a route. @returns their bodies */
  async hasSent(route: string, count = 1): Promise<unknown[]> {
    await eventually(`${route} is sent`, () => this.origin.sent(route).length === count);
    return this.origin.sent(route).map(({ body }) => body);
  }

  private get running(): NonNullable<typeof this.started> {
    if (this.started === undefined) throw new Error('The suite has not started.');
    return this.started;
  }
}
