import { describe, expect, it } from '@jest/globals';
import { aPipeline } from '../../apps/console/src/pipeline/testing/a-pipeline.js';
import type { ScalingDemoView } from '../../apps/console/src/scaling-demo/scaling-demo-response.js';
import { aDemo, aJudgedDemo } from '../../apps/console/src/scaling-demo/testing/a-demo.js';
import type { ConsolePage, Region } from './console-page.js';
import { ScriptedConsole } from './scripted-console.js';

const START = 'POST /v1/pipeline/scaling-demo';
const CANCEL = `${START}/cancel`;

describe('the scaling demo in the guide', () => {
  const views = ScriptedConsole.forSuite();

  /** Opens the page of a console that starts a demo. */
  async function opened(): Promise<{ console: ConsolePage; guide: Region }> {
    const console = await views.open();
    views.origin.on(START, { status: 202, body: aDemo({ step: 'prepare' }) });
    return { console, guide: console.part('First steps') };
  }

  function show(scalingDemo: ScalingDemoView): void {
    views.origin.show(aPipeline({ scalingDemo }));
  }

  it('is started by one button, and shows its steps, then both rates and the verdict', async () => {
    const { guide } = await opened();
    await guide.press('Show scaling');
    expect(await views.hasSent(START)).toEqual([{}]);
    show(aDemo({ step: 'prepare' }));
    const present = guide.locator.locator('[aria-current=step]');
    await present.getByText('Set 1 consumer and 500 orders in flight').waitFor();
    show(aDemo({ step: 'scale' }));
    await present.getByText('Scale to 3 consumers').waitFor();
    expect(await guide.locator.locator('.demo-steps li:has(~ [aria-current])').count()).toBe(3);
    show(aJudgedDemo());
    const rates = guide.locator.getByRole('group', { name: 'Orders saved per second' });
    expect((await rates.innerText()).split(/\s*\n\s*/)).toEqual([
      '1 consumer',
      '1,003 saved/s',
      '3 consumers',
      '2,958 saved/s',
    ]);
    const widths = await rates.locator('.rate-bar').evaluateAll((bars) => bars.map(({ clientWidth }) => clientWidth));
    expect((widths[1] ?? 0) / (widths[0] ?? 1)).toBeCloseTo(2.95, 1);
    expect(await guide.locator.locator('scaling-demo').getByRole('status').innerText()).toBe(
      '2.95 times the throughput. The consumers and the limit are restored.',
    );
    expect(await guide.button('Show scaling').isEnabled()).toBe(true);
  });

  it('is stopped by the same button, also by keyboard, which keeps the focus', async () => {
    const { console, guide } = await opened();
    views.origin.on(CANCEL, { status: 202, body: aDemo() });
    await guide.button('Show scaling').focus();
    await console.page.keyboard.press('Enter');
    await views.hasSent(START);
    show(aDemo());
    await console.hasFocus('scaling-demo button', 'Stop and restore');
    expect(views.origin.sent(CANCEL)).toEqual([]);
    await console.page.keyboard.press('Enter');
    await views.hasSent(CANCEL);
    show(
      aDemo({
        endedAt: '2026-01-31T12:00:20.000Z',
        status: 'cancelled',
        step: null,
        error: { code: 'stopped', message: 'The demo was stopped.' },
      }),
    );
    await guide.shows('No verdict: The demo was stopped. The consumers and the limit are restored.');
    await console.hasFocus('scaling-demo button', 'Show scaling');
  });

  it('says why it can not start, and starts on a busy machine only on request', async () => {
    const { guide } = await opened();
    const refuse = (code: string, detail: string): void =>
      views.origin.on(START, { status: 409, body: { code, detail } });
    refuse('work-under-way', 'Orders are being sent or saved.');
    await guide.press('Show scaling');
    await guide.alerts('Orders are being sent or saved.');
    expect(await guide.button('Show scaling anyway').count()).toBe(0);
    refuse('machine-busy', '93 % of the CPU is in use.');
    await guide.locator.getByRole('button', { name: 'Show scaling', exact: true }).click();
    await guide.alerts('93 % of the CPU is in use.');
    views.origin.on(START, { status: 202, body: aDemo() });
    await guide.press('Show scaling anyway');
    await views.hasSent(START, 3);
    show(aDemo());
    await guide.button('Stop and restore').waitFor();
    expect((await views.hasSent(START, 3)).at(-1)).toEqual({ ignoreLoad: true });
    expect(await guide.button('Show scaling anyway').count()).toBe(0);
  });

  it('is the same on every page: another client has started and ended it', async () => {
    const { guide } = await opened();
    show(aDemo({ step: 'restore' }));
    await guide.locator.locator('[aria-current=step]').getByText('Restore the consumers and the limit').waitFor();
    await guide.button('Stop and restore').waitFor();
    const error = { code: 'console-stopped', message: 'The console was stopped during the demo.' };
    show(aJudgedDemo({ status: 'interrupted', verdict: null, error }));
    await guide.shows(/No verdict: The console was stopped during the demo\. The consumers and the limit are/);
    expect(views.origin.sent('POST')).toEqual([]);
  });
});
