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
  private context: BrowserContext | undefined;
  private opened: ConsolePage | undefined;

  private constructor(
    readonly origin: ScriptedOrigin,
    private readonly browser: Browser,
  ) {}

  static async start(): Promise<ScriptedConsole> {
    return new ScriptedConsole(await ScriptedOrigin.start(), await launchBrowser());
  }

  async stop(): Promise<void> {
    await this.browser.close();
    this.origin.close();
  }

  /** Opens the page in a new browser context, without the answers, errors and storage of another test. */
  async open(hash = '', answer: (origin: ScriptedOrigin) => void = answerBusy): Promise<ConsolePage> {
    await this.context?.close();
    this.origin.reset();
    this.errors.length = 0;
    answer(this.origin);
    this.context = await this.browser.newContext({ viewport: { width: 1_180, height: 900 } });
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
    await eventually(`the address is ${hash}`, 5_000, () => Promise.resolve(new URL(this.page.url()).hash === hash));
  }

  /** Waits until the element that this CSS selector finds has the focus. */
  async hasFocus(selector: string, text?: string): Promise<void> {
    await this.page
      .locator(`${selector}:focus`, text === undefined ? {} : { hasText: text })
      .waitFor({ timeout: 5_000 });
  }

  async search(text: string): Promise<void> {
    await this.page.getByLabel(/Id, number/).fill(text);
    await this.page.getByRole('button', { name: 'Find' }).click();
  }
}
