import axe from 'axe-core';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { eventually } from '../support/eventually.js';

/** An accessibility violation that axe reports. */
interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Page object of the console. It finds elements by role and accessible name, as a screen reader does. */
export class ConsolePage {
  private constructor(readonly page: Page) {}

  static async open(context: BrowserContext, url: string): Promise<ConsolePage> {
    const page = await context.newPage();
    await page.goto(url);
    await page.getByRole('heading', { name: 'Orders pipeline' }).waitFor();
    return new ConsolePage(page);
  }

  /** Signs in with the development issuer, which accepts any name. */
  async signIn(name: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Sign in with the provider' }).click();
    await this.page.fill('input[name=name]', name);
    await this.page.click('button[type=submit]');
    await this.isLive();
  }

  async isLive(): Promise<void> {
    await this.page.locator('.connection').getByText('live', { exact: true }).waitFor({ timeout: 0 });
  }

  /** The text of a tile, such as `1,948/s`; `–` means unknown. */
  async tile(name: string): Promise<string> {
    const tile = this.page.locator('.tile', { has: this.page.getByText(name, { exact: true }) });
    return (await tile.locator('dd').innerText()).replaceAll(/\s/g, '');
  }

  async figure(name: string): Promise<number> {
    return Number(/[\d,.]+/.exec(await this.tile(name))?.[0].replaceAll(',', '') ?? Number.NaN);
  }

  part(heading: string): Locator {
    return this.page.locator('section', { has: this.page.getByRole('heading', { name: heading, exact: true }) });
  }

  async populate(count: number): Promise<void> {
    const part = this.part('Populate');
    await part.getByLabel('Orders').fill(String(count));
    await part.getByRole('button', { name: 'Populate' }).click();
  }

  async scale(count: number | string): Promise<void> {
    const part = this.part('Scale');
    await part.getByLabel('Consumers').fill(String(count));
    await part.getByRole('button', { name: 'Scale' }).click();
  }

  /** The progress text of the newest operation. */
  async newest(): Promise<string> {
    return this.part('Populate').locator('.operations li').first().innerText();
  }

  async newestSays(text: RegExp): Promise<void> {
    await eventually(`the newest operation says ${text}`, async () => text.test(await this.newest()));
  }

  /** Names of the consumers in the table of consumers. */
  async consumers(): Promise<string[]> {
    return this.part('Partitions and consumers').locator('th.consumer').allInnerTexts();
  }

  /** Texts that are shown as errors, in all parts of the page. */
  async errors(): Promise<string[]> {
    return this.page.locator('.bad').allInnerTexts();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.page.getByRole('heading', { name: 'Orders pipeline' }).waitFor();
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

  /** Names the regions within these elements that must be scrolled sideways to see all columns. */
  async hiddenColumns(selector: string): Promise<string[]> {
    return this.page.evaluate(`[...document.querySelectorAll('${selector}')]
      .flatMap((element) => [...element.querySelectorAll('.scrolls')])
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map(({ ariaLabel }) => ariaLabel)`);
  }

  /** Size of the page's live JavaScript objects after a garbage collection, in bytes. */
  async liveBytes(): Promise<number> {
    const session = await this.page.context().newCDPSession(this.page);
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    await session.detach();
    return usedSize;
  }

  /** By how many pixels the page is wider than the window. */
  async overflow(): Promise<number> {
    return this.page.evaluate('document.documentElement.scrollWidth - innerWidth');
  }

  async violations(): Promise<Violation[]> {
    await this.page.evaluate(axe.source);
    return this.page.evaluate(async () => {
      const { axe: injected } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
      return (await injected.run()).violations.map(({ id, nodes }) => ({
        id,
        nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
      }));
    });
  }
}
