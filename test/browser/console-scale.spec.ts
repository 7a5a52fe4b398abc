import { describe, expect, it } from '@jest/globals';
import type { PipelineResponse } from '../../apps/console/src/pipeline/pipeline-response.js';
import { eventually } from '../support/eventually.js';
import { ScriptedConsole } from './scripted-console.js';
import { pipelineState } from './scripted-states.js';

describe('the scale form of the console', () => {
  const views = ScriptedConsole.forSuite();

  /** Answers requests for a number of consumers, which the console counts. */
  function answerScalings(): void {
    let request = 0;
    views.origin.on('POST /v1/pipeline/consumers', ({ body }) => {
      request += 1;
      return { status: 202, body: { count: (body as { count: number }).count, idle: 0, request } };
    });
  }

  it.each(['', '0', '-1', '100', '1e1', 'two'])(
    'sends nothing for %j consumers, says why in its own words, and gives no hint on them',
    async (text) => {
      const console = await views.open();
      const part = console.part('Scale');
      await part.getByText('2 running; at most 12 can be busy').waitFor();
      await console.scale(text);
      const message =
        text === '' ? 'Consumers is missing.' : `Consumers must be a whole number from 1 to 64, got “${text}”.`;
      await part.getByRole('alert').getByText(message).waitFor();
      await views.hasFocus('input[name=count]');
      expect(await part.innerText()).not.toMatch(/would be idle|A verdict on/);
      expect(views.origin.sent('POST')).toEqual([]);
    },
  );

  it('steps from the number of consumers, and shows it again after a scaling', async () => {
    const console = await views.open();
    answerScalings();
    const part = console.part('Scale');
    const field = part.getByLabel('Consumers');
    await eventually('the number is shown', async () => (await field.inputValue()) === '2');
    for (let pressed = 0; pressed < 2; pressed += 1)
      await part.getByRole('button', { name: 'Add one consumer' }).click();
    expect(await field.inputValue()).toBe('4');
    await part.getByText('A verdict on 4 consumers needs').waitFor();
    await part.getByRole('button', { name: 'Scale' }).click();
    await part.getByText('Scaling to 4 consumers.').waitFor();
    expect(await field.inputValue()).toBe('4');
    expect(views.origin.sent('POST').map(({ body }) => body)).toEqual([{ count: 4 }]);
    views.origin.show(pipelineState({ scalingRequests: 2, configuredConsumers: 1 }));
    await eventually('another user has requested one', async () => (await field.inputValue()) === '1');
    await part.getByText('Another user has requested 1 after your 4.').waitFor();
    expect(await part.getByRole('button', { name: 'Remove one consumer' }).isDisabled()).toBe(true);
  });

  it('knows its own requests that follow each other, whatever the console still reports', async () => {
    const console = await views.open();
    answerScalings();
    const part = console.part('Scale');
    const field = part.getByLabel('Consumers');
    await part.getByText('2 running; at most 12 can be busy').waitFor();
    await console.scale(3);
    views.origin.show(pipelineState({ scalingRequests: 1, ...pending(3) }));
    await part.getByText('Scaling to 3 consumers: 2 running.').waitFor();
    await console.scale(1);
    await part.getByText('Scaling to 1 consumer.').waitFor();
    // The console still reports the first request.
    views.origin.show(pipelineState({ lagRecords: 41_300, scalingRequests: 1, ...pending(3) }));
    await eventually('the state is shown', async () => (await console.figure('Lag')) === 41_300);
    expect([await part.innerText(), await field.inputValue()]).toEqual([
      expect.stringContaining('Scaling to 1 consumer.'),
      '1',
    ]);
    views.origin.show(pipelineState({ scalingRequests: 2, ...pending(1) }));
    await part.getByText('Scaling to 1 consumer: 2 running.').waitFor();
    expect(await part.innerText()).not.toContain('Another user');
  });

  it('keeps the number of consumers while one that died is being replaced', async () => {
    const console = await views.open();
    const field = console.part('Scale').getByLabel('Consumers');
    await eventually('the number is shown', async () => (await field.inputValue()) === '2');
    const [one] = pipelineState().consumers ?? [];
    views.origin.show(pipelineState({ consumers: one === undefined ? [] : [one], configuredConsumers: 2 }));
    await console.part('Scale').getByText('1 running; at most 12 can be busy').waitFor();
    expect(await field.inputValue()).toBe('2');
  });

  it('no longer says that the limit is missing once its field is cleared, or another limit was applied', async () => {
    const console = await views.open();
    views.origin.on('POST /v1/pipeline/in-flight', { status: 202, body: { limit: 'auto' } });
    const part = console.part('Scale');
    const [field, missing] = [part.getByLabel('In-flight limit'), part.getByText('is missing.')];
    await part.getByRole('button', { name: 'Apply limit' }).click();
    await missing.waitFor();
    await field.fill('5');
    await field.fill('');
    await missing.waitFor({ state: 'detached' });
    await field.blur();
    expect(await missing.count()).toBe(0);
    await part.getByRole('button', { name: 'Apply limit' }).click();
    await missing.waitFor();
    await part.getByRole('button', { name: 'Use auto limit' }).click();
    await missing.waitFor({ state: 'detached' });
  });
});

/** A state while so many consumers are requested. */
function pending(count: number): Partial<PipelineResponse> {
  return { scaling: { count, secondsAgo: 1 }, configuredConsumers: count };
}
