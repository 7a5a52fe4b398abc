import { afterAll, beforeAll } from '@jest/globals';
import type { Browser, BrowserContext, Locator } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import { launchBrowser } from './browser.js';
import { ConsolePage } from './console-page.js';
import { answerBusy } from './scripted-answers.js';
import { ScriptedOrigin } from './scripted-origin.js';

/** The console's page in a browser, on an origin whose answers the test scripts. */
export class ScriptedConsole {
  /** Errors that the page's scripts did not catch. */
  readonly errors: string[] = [];
  private started: { readonly origin: ScriptedOrigin; readonly browser: Browser } | undefined;
  private context: BrowserContext | undefined;
  private opened: ConsolePage | undefined;

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
    this.opened = await ConsolePage.open(this.context, `${this.origin.url}${hash}`);
    await this.opened.isLive();
    return this.opened;
  }

  get page(): ConsolePage['page'] {
    if (this.opened === undefined) throw new Error('The page is not open.');
    return this.opened.page;
  }

  get dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  async hashIs(hash: string): Promise<void> {
    await eventually(`the address is ${hash}`, () => Promise.resolve(new URL(this.page.url()).hash === hash));
  }

  /** Waits until the element that this CSS selector finds has the focus. */
  async hasFocus(selector: string, text?: string): Promise<void> {
    await this.page
      .locator(`${selector}:focus`, text === undefined ? {} : { hasText: text })
      .waitFor({ timeout: 5_000 });
  }

  private get running(): NonNullable<typeof this.started> {
    if (this.started === undefined) throw new Error('The suite has not started.');
    return this.started;
  }

  async search(text: string): Promise<void> {
    await this.page.getByLabel(/Id, number/).fill(text);
    await this.page.getByRole('button', { name: 'Find' }).click();
  }
}
