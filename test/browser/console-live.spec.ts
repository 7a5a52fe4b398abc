import { beforeAll, describe, expect, it } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import { BrowsedPipeline } from './browsed-pipeline.js';
import { ConsolePage } from './console-page.js';

const VIEWPORT = { width: 1_180, height: 900 };

describe('the live views of the console', () => {
  const real = BrowsedPipeline.forSuite('--in-flight', '300', '--partitions', '8');
  let context: BrowserContext;
  let console: ConsolePage;

  beforeAll(async () => {
    await open();
  });

  async function open(): Promise<void> {
    context = await real.browser.newContext({ viewport: VIEWPORT });
    console = await ConsolePage.open(context, `${real.pipeline.consoleUrl}/`);
  }

  /** Waits until the condition holds, and returns all texts that were shown as errors meanwhile. */
  async function errorsUntil(what: string, condition: () => Promise<boolean>): Promise<string[]> {
    const errors = new Set<string>();
    await eventually(what, async () => {
      for (const text of await console.errors()) errors.add(text);
      return condition();
    });
    return [...errors];
  }

  const hasConsumers = async (count: number): Promise<boolean> => (await console.consumers()).length === count;

  it('have a time axis that ends now just after the page opened, and no error while it connects', async () => {
    const { from, to } = await console.chart();
    expect(Math.round(to - from)).toBe(120);
    expect(Math.abs(to - Date.now() / 1_000)).toBeLessThan(10);
    expect(await console.errors()).toEqual([]);
    await console.isLive();
  });

  it('show the verdict on a scaling, and no error while consumers start, drain and rebalance', async () => {
    await console.populate(45_000);
    await eventually('one consumer has saved at its full rate for some seconds', async () => {
      return (await console.figure('Saved')) > 540 && (await console.figure('Oldest record')) > 8;
    });
    await console.part('Scale').getByLabel('Consumers').fill('4');
    await console
      .part('Scale')
      .getByText(/A verdict on 4 consumers needs about .*there are enough/)
      .waitFor();
    await console.scale(4);
    const verdict = console.part('Scale').locator('.verdicts li').first();
    const names = new Set<string>();
    const errors = await errorsUntil('the change has a verdict', async () => {
      if ((await verdict.count()) === 0) return false;
      names.add(await verdict.locator('b').innerText());
      return !/measuring/.test(await verdict.innerText());
    });
    expect([...names]).toEqual(['1 → 4 consumers']);
    expect(await verdict.innerText()).toMatch(/1 → 4 consumers.*x[234][.].*helped/s);
    await verdict.getByRole('button', { name: 'Back to 1 consumer' }).click();
    errors.push(...(await errorsUntil('one consumer is left', async () => hasConsumers(1))));
    expect(errors).toEqual([]);
  });

  it('have the recorded rates and the verdict after the page was closed and opened again', async () => {
    await context.close();
    await open();
    await eventually('the recorded rates are drawn', async () => {
      return (await console.chart()).saved.some((rate) => rate > 1_000);
    });
    expect(await console.part('Scale').locator('.verdicts').innerText()).toMatch(/x[234][.].*helped/);
    await console.page.getByRole('button', { name: '1 hour' }).click();
    await eventually('the axis shows an hour', async () => {
      const { from, to } = await console.chart();
      return Math.round(to - from) === 3_600;
    });
  });

  it('warn of consumers that would be idle', async () => {
    await console.part('Scale').getByLabel('Consumers').fill('10');
    const warning = console.part('Scale').getByText('2 consumers of 10 would be idle');
    await warning.waitFor();
    await console.part('Scale').getByLabel('Consumers').fill('1');
    await warning.waitFor({ state: 'hidden' });
    expect(await console.consumers()).toHaveLength(1);
  });

  it('show one banner and one mark when a consumer is killed, and mark no other consumer as an error', async () => {
    await console.scale(3);
    await eventually('three consumers share the partitions', async () => {
      const table = await console.part('Partitions and consumers').innerText();
      return (await hasConsumers(3)) && !/none|starting|waiting/.test(table);
    });
    await console.populate(20_000);
    await eventually('orders are in flight', async () => (await console.figure('In flight')) > 600);
    process.kill(real.pipeline.process('consumer-3').pid, 'SIGKILL');
    const banner = console.page.locator('.banner');
    await banner.getByText('consumer-3 died; its partitions are being reassigned').waitFor({ timeout: 15_000 });
    expect(await console.tile('Time to drain')).toBe('–');
    const counts = new Set<string>();
    const errors = await errorsUntil('the partitions are reassigned', async () => {
      counts.add(await console.part('Scale').getByLabel('Consumers').inputValue());
      const names = await console.consumers();
      expect(new Set(names).size).toBe(names.length);
      return /were reassigned after \d+ s/.test((await banner.allInnerTexts()).join(' '));
    });
    expect([...counts]).toEqual(['3']);
    expect(await banner.count()).toBe(1);
    expect(errors).toEqual([expect.stringMatching(/^consumer-3 died; its partitions are being reassigned/)]);
    const { marks } = await console.chart();
    expect(marks.slice(marks.indexOf('crash'))).toEqual(['crash']);
  });

  it.each<['light' | 'dark', number]>([
    ['light', 1_180],
    ['dark', 1_440],
    ['dark', 390],
  ])(
    'have no accessibility violations and no overflow while a crash is shown: %s, %i px wide',
    async (colorScheme, width) => {
      await console.page.emulateMedia({ colorScheme });
      await console.page.setViewportSize({ width, height: 900 });
      expect(await console.violations()).toEqual([]);
      const overflow = await console.page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(overflow).toBeLessThanOrEqual(0);
    },
  );

  it('show figures as unknown while MongoDB is unavailable, and report no crash afterwards', async () => {
    const { pid } = real.pipeline.process('MongoDB');
    process.kill(pid, 'SIGSTOP');
    try {
      await eventually('the save rate is unknown', async () => (await console.tile('Saved')) === '–');
      expect(await console.tile('Dead letters')).toBe('–');
      expect(await console.tile('Produced')).not.toBe('–');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await eventually('the save rate is known again', async () => (await console.tile('Saved')) !== '–');
    expect((await console.chart()).marks.filter((kind) => kind === 'crash')).toHaveLength(1);
  });
});
