import axe from 'axe-core';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { eventually, HANG_GUARD_MS } from '../support/eventually.js';

/** An accessibility violation that axe reports. */
interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** A part of the page, and what a user does and sees there. Elements are found by role and accessible name, as a screen reader does. */
export class Region {
  constructor(readonly locator: Locator) {}

  async shows(text: string | RegExp, options: { exact?: boolean } = {}): Promise<void> {
    await this.locator.getByText(text, options).waitFor();
  }

  async alerts(text: string | RegExp): Promise<void> {
    await this.locator.getByRole('alert').getByText(text).waitFor();
  }

  async press(button: string): Promise<void> {
    await this.button(button).click();
  }

  async fill(label: string | RegExp, text: string): Promise<void> {
    await this.field(label).fill(text);
  }

  async follow(link: string): Promise<void> {
    await this.locator.getByRole('link', { name: link }).click();
  }

  async text(): Promise<string> {
    return this.locator.innerText();
  }

  async isClosed(): Promise<void> {
    await this.locator.waitFor({ state: 'hidden' });
  }

  button(name: string): Locator {
    return this.locator.getByRole('button', { name });
  }

  field(label: string | RegExp): Locator {
    return this.locator.getByLabel(label);
  }
}

/** Page object of the console. */
export class ConsolePage {
  /** The whole page. */
  readonly all: Region;
  readonly dialog: Region;

  private constructor(readonly page: Page) {
    this.all = new Region(page.locator('body'));
    this.dialog = new Region(page.getByRole('dialog'));
  }

  static async open(context: BrowserContext, url: string): Promise<ConsolePage> {
    const page = await context.newPage();
    page.setDefaultTimeout(HANG_GUARD_MS);
    await page.goto(url);
    const opened = new ConsolePage(page);
    await opened.hasLoaded();
    return opened;
  }

  private async hasLoaded(): Promise<void> {
    await this.page.getByRole('heading', { name: 'Orders pipeline' }).waitFor();
  }

  /** Signs in with the development issuer, which accepts any name. */
  async signIn(name: string): Promise<void> {
    await this.all.press('Sign in with the provider');
    await this.page.fill('input[name=name]', name);
    await this.page.click('button[type=submit]');
    await this.isLive();
  }

  async isLive(): Promise<void> {
    await this.page.locator('.connection').getByText('live', { exact: true }).waitFor();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.hasLoaded();
  }

  part(heading: string): Region {
    return new Region(
      this.page.locator('section', { has: this.page.getByRole('heading', { name: heading, exact: true }) }),
    );
  }

  article(name: string): Region {
    return new Region(this.page.getByRole('article', { name, exact: true }));
  }

  async goTo(section: string): Promise<void> {
    await this.page.getByRole('navigation').getByRole('link', { name: section }).click();
  }

  async search(text: string): Promise<void> {
    await this.part('Orders').fill(/Id, number/, text);
    await this.part('Orders').press('Find');
  }

  async populate(count: number): Promise<void> {
    await this.part('Test orders').fill('Orders', String(count));
    await this.part('Test orders').press('Generate');
  }

  async scale(count: number | string): Promise<void> {
    await this.part('Scale').fill('Consumers', String(count));
    await this.part('Scale').press('Scale');
  }

  /** Waits for a progress text of the newest operation. */
  async newestSays(text: RegExp): Promise<void> {
    const newest = this.part('Test orders').locator.locator('.operations li').first();
    await eventually(`the newest operation says ${text}`, async () => text.test(await newest.innerText()));
  }

  /** The text of a tile, such as `1,948/s`; `–` means unknown. */
  async tile(name: string): Promise<string> {
    const tile = this.page.locator('.tile', { has: this.page.getByText(name, { exact: true }) });
    return (await tile.locator('dd').innerText()).replaceAll(/\s/g, '');
  }

  async tileIs(name: string, text: string): Promise<void> {
    await eventually(`${name} is ${text}`, async () => (await this.tile(name)) === text);
  }

  /** Names of the consumers in the table of consumers. */
  async consumers(): Promise<string[]> {
    return this.part('Partitions and consumers').locator.locator('th.consumer').allInnerTexts();
  }

  async hashIs(hash: string): Promise<void> {
    await eventually(`the address is ${hash}`, () => new URL(this.page.url()).hash === hash);
  }

  /** Waits until the element that this CSS selector finds has the focus. */
  async hasFocus(selector: string, text?: string): Promise<void> {
    await this.page.locator(`${selector}:focus`, text === undefined ? {} : { hasText: text }).waitFor();
  }

  /**
   * What the chart draws: the ends of its time axis in seconds since 1970, its known save rates and the kinds of its marks. The chart is drawn on
   * a canvas, so its content is read from the component.
   */
  async chart(): Promise<{ from: number; to: number; saved: number[]; marks: string[] }> {
    return this.page.evaluate(`(() => {
      const { plot, live } = document.querySelector('throughput-chart');
      const { min, max } = plot.scales.x;
      const saved = plot.data[2].filter((value) => value !== null);
      return { from: min, to: max, saved, marks: live.changes.map(({ kind }) => kind) };
    })()`);
  }

  /** What the chart writes in its next drawing, with the place of each text on the canvas in its pixels. */
  async chartTexts(): Promise<{
    texts: { text: string; left: number; right: number; bottom: number }[];
    plotTop: number;
    width: number;
  }> {
    return this.page.evaluate(`(async () => {
      const { plot } = document.querySelector('throughput-chart');
      const { ctx, bbox } = plot;
      const texts = [];
      ctx.fillText = (text, x, y) => {
        const { width } = ctx.measureText(text);
        const left = x - { left: 0, center: width / 2, right: width }[ctx.textAlign] + ctx.getTransform().e;
        texts.push({ text, left, right: left + width, bottom: y });
      };
      plot.redraw();
      await new Promise((resolve) => requestAnimationFrame(resolve));
      delete ctx.fillText;
      return { texts, plotTop: bbox.top, width: ctx.canvas.width };
    })()`);
  }

  /** Size of the page's live JavaScript objects after a garbage collection, in bytes. */
  async liveBytes(): Promise<number> {
    const session = await this.page.context().newCDPSession(this.page);
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    await session.detach();
    return usedSize;
  }

  /**
   * Returns what is wrong in a window of this width: accessibility violations in the light and in the dark scheme, and what is beyond its edges, also
   * columns of an order or a dialog.
   */
  async problemsAt(width: number): Promise<unknown[]> {
    await this.page.setViewportSize({ width, height: 900 });
    const problems: unknown[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await this.page.emulateMedia({ colorScheme });
      problems.push(...(await this.violations()));
    }
    if (await this.page.evaluate('document.documentElement.scrollWidth > innerWidth')) problems.push('a wide page');
    problems.push(...(await this.hiddenColumns('#orders, dialog')));
    for (const dialog of await this.dialog.locator.all()) {
      const box = await dialog.boundingBox();
      if (box === null || box.x < 0 || box.y < 0 || box.x + box.width > width) problems.push({ dialog: box });
    }
    return problems;
  }

  private async violations(): Promise<Violation[]> {
    await this.page.evaluate(axe.source);
    return this.page.evaluate(async () => {
      const { axe: injected } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
      return (await injected.run()).violations.map(({ id, nodes }) => ({
        id,
        nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
      }));
    });
  }

  /** Names the regions within these elements that must be scrolled sideways to see all columns. */
  private async hiddenColumns(selector: string): Promise<string[]> {
    return this.page.evaluate(`[...document.querySelectorAll('${selector}')]
      .flatMap((element) => [...element.querySelectorAll('.scrolls')])
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map(({ ariaLabel }) => ariaLabel)`);
  }
}

/** Page object of the Swagger UI of one service. */
export class SwaggerPage {
  private constructor(
    private readonly context: BrowserContext,
    private readonly page: Page,
  ) {}

  static async open(context: BrowserContext, url: string): Promise<SwaggerPage> {
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForSelector('.opblock');
    return new SwaggerPage(context, page);
  }

  /** Authorizes with the client credentials flow. */
  async authorizeClient(secret: string): Promise<void> {
    const box = await this.authorization('client_credentials', secret);
    await box.locator('button.authorize').click();
    await this.untilAuthorized('client_credentials');
  }

  /** Authorizes with the authorization code flow: logs in at the issuer, in a separate window. */
  async logIn(secret: string, name: string): Promise<void> {
    const box = await this.authorization('authorization_code', secret);
    const opened = this.context.waitForEvent('page');
    await box.locator('button.authorize').click();
    const login = await opened;
    await login.fill('input[name=name]', name);
    await login.click('button[type=submit]');
    await this.untilAuthorized('authorization_code');
  }

  /**
   * Executes a route with "Try it out".
   * @param path the path as Swagger UI shows it
   * @param values parameter values by name, and the `body`
   * @returns the status and the body of the response
   */
  async execute(
    method: string,
    path: string,
    values: Readonly<Record<string, string>>,
  ): Promise<{ status: string; body: unknown }> {
    const route = this.page.locator(`.opblock-${method}`, { has: this.page.locator(`[data-path="${path}"]`) });
    await route.locator('.opblock-summary').click();
    await route.locator('.try-out__btn').click();
    for (const [name, value] of Object.entries(values)) {
      const field = name === 'body' ? route.locator('textarea') : route.locator(`tr[data-param-name="${name}"] input`);
      await field.first().fill(value);
    }
    await route.locator('button.execute').click();
    const answer = route.locator('.live-responses-table .response').first();
    const status = (await answer.locator('.response-col_status').innerText()).trim();
    const text = await answer.locator('.highlight-code code').first().innerText();
    return { status: status.split(/\s/)[0] ?? '', body: JSON.parse(text) };
  }

  private async authorization(flow: string, secret: string): Promise<Locator> {
    await this.page.click('.scheme-container button.authorize');
    const box = this.page.locator('.auth-container', { has: this.page.locator(`#client_secret_${flow}`) });
    await box.locator(`#client_secret_${flow}`).fill(secret);
    return box;
  }

  private async untilAuthorized(flow: string): Promise<void> {
    const box = this.page.locator('.auth-container', { hasText: flow }).first();
    await box.getByText('Logout').waitFor();
    await this.page.locator('.close-modal').click();
  }
}
