import { describe, expect, it } from '@jest/globals';
import { answerBusy, answerEmpty, answerFailing } from './scripted-answers.js';
import { ScriptedConsole } from './scripted-console.js';
import { LETTER_ID, NOW, OPERATION, ORDER_ID, pipelineState, scaling } from './scripted-states.js';

describe.each([390, 1_180, 1_440])('the console, %i px wide', (width) => {
  const views = ScriptedConsole.forSuite();

  it('has a chart whose times and labels are whole, also with a time at its right edge', async () => {
    const changes = [scaling(1, 3, 70), scaling(3, 1, 64), scaling(1, 2, 5)];
    const console = await views.open(
      '',
      (origin) => {
        answerBusy(origin);
        origin.show(pipelineState({ at: NOW, changes }));
      },
      width,
    );
    const { texts, plotTop, width: canvas } = await console.chartTexts();
    expect(texts.map(({ text }) => text)).toEqual(expect.arrayContaining(['1→2 consumers', '3→1 consumers']));
    expect(texts.map(({ text }) => text).some((text) => text.startsWith('12:00'))).toBe(true);
    for (const { text, left, right } of texts) {
      expect([text, left >= 0, right <= canvas]).toEqual([text, true, true]);
    }
    const labels = texts.filter(({ text }) => text.includes('consumers'));
    expect(labels.filter(({ bottom }) => bottom > plotTop)).toEqual([]);
  });

  it.each([
    ['empty', '', answerEmpty],
    ['busy, with a group and a search', '#letters?error=conflict', answerBusy],
    ['with an order', `#orders/${ORDER_ID}`, answerBusy],
    ['with a dead letter', `#letters/${LETTER_ID}`, answerBusy],
    ['with an operation', `#operations/${OPERATION}`, answerBusy],
    ['failing', '#orders?find=', answerFailing],
  ])('is accessible and not wider than the window: %s', async (_, hash, answer) => {
    const console = await views.open(hash, answer);
    await console.page.setViewportSize({ width, height: 900 });
    if (hash.startsWith('#letters/') || hash.startsWith('#operations/'))
      await views.dialog.locator('.facts').first().waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await console.page.emulateMedia({ colorScheme });
      expect(await console.violations()).toEqual([]);
    }
    expect(await console.overflow()).toBeLessThanOrEqual(0);
    expect(await console.hiddenColumns('#orders, dialog')).toEqual([]);
    for (const dialog of await views.dialog.all()) {
      const box = await dialog.boundingBox();
      expect((box?.x ?? -1) >= 0 && (box?.y ?? -1) >= 0 && (box?.x ?? 0) + (box?.width ?? 0) <= width).toBe(true);
    }
    expect(views.errors).toEqual([]);
  });
});
